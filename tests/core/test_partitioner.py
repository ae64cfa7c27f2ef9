"""Keys go to the partitions that Kafka's Java producer and aiokafka send them to."""

import aiokafka.partitioner
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.partitioner import murmur2, partition_for


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        # org.apache.kafka.common.utils.UtilsTest.testMurmur2 (Apache Kafka)
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_known_hashes_are_those_of_apache_kafka(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


@given(st.binary(max_size=40))
def test_every_hash_is_aiokafkas(key: bytes) -> None:
    assert murmur2(key) & 0x7FFFFFFF == aiokafka.partitioner.murmur2(key) & 0x7FFFFFFF


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_every_key_goes_where_aiokafka_sends_it(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    chosen = aiokafka.partitioner.DefaultPartitioner()(key, everywhere, everywhere)
    assert partition_for(key, partitions) == chosen
