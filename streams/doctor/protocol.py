"""Two questions to brokers that aiokafka 0.14 cannot ask: which release they are, and who is in a group.

Written with aiokafka's own protocol types, as streams/topicid.py. ApiVersions 3 (KIP-511, KIP-584) tells the
features that a broker's software supports; the highest ``metadata.version`` names its release (KIP-778).
DescribeGroups 4 (KIP-345) tells the static members' instance ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response, ResponseHeader_v0
from aiokafka.protocol.types import (
    Array,
    Boolean,
    Bytes,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient

_SUPPORTED_FEATURES_TAG = 0
#: the first level of metadata.version that belongs to each release
#: (org.apache.kafka.server.common.MetadataVersion)
_RELEASES = (
    (31, "4.4"), (30, "4.3"), (28, "4.2"), (26, "4.1"), (22, "4.0"), (21, "3.9"), (20, "3.8"), (15, "3.7"),
    (12, "3.6"), (9, "3.5"), (8, "3.4"), (4, "3.3"),
)  # fmt: skip
#: the last level that is known here: a higher one is of a later release
_LAST_KNOWN_LEVEL = 33


class _ApiVersionsResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 18
    API_VERSION = 3
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "api_versions",
            CompactArray(
                ("api_key", Int16), ("min_version", Int16), ("max_version", Int16), ("tags", TaggedFields)
            ),
        ),
        ("throttle_time_ms", Int32),
        ("tags", TaggedFields),
    )


class _ApiVersionsRequestV3(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    FLEXIBLE_VERSION = True
    API_KEY = 18
    API_VERSION = 3
    RESPONSE_TYPE = _ApiVersionsResponse
    SCHEMA = Schema(
        ("client_software_name", CompactString("utf-8")),
        ("client_software_version", CompactString("utf-8")),
        ("tags", TaggedFields),
    )

    def parse_response_header(self, read_buffer: Any) -> Any:
        # the one flexible response with the old header: a client that knows no better must be able to read it
        return ResponseHeader_v0.decode(read_buffer)


class _ApiVersionsRequest(Request[_ApiVersionsRequestV3]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 18

    def build(self, request_struct_class: type[_ApiVersionsRequestV3]) -> _ApiVersionsRequestV3:
        return request_struct_class("deskpulse", "1", {})


_Features = CompactArray(
    ("name", CompactString("utf-8")), ("min_version", Int16), ("max_version", Int16), ("tags", TaggedFields)
)


async def release_of(admin: AIOKafkaAdminClient, node_id: int) -> str:
    """The release of a broker's software, such as "4.3"; "" where it does not tell (ZooKeeper, before 3.3).

    Raises what aiokafka raises where the broker does not answer.
    """
    response: Any = await admin._send_request_to_node(node_id, _ApiVersionsRequest())
    features = response.tags.get(_SUPPORTED_FEATURES_TAG) if response.tags else None
    levels = {name: highest for name, _, highest, _ in _Features.decode(BytesIO(features))} if features else {}
    level = levels.get("metadata.version", 0)
    if level > _LAST_KNOWN_LEVEL:
        return f"later than {_RELEASES[0][1]}"
    return next((release for first, release in _RELEASES if level >= first), "")


class _DescribeGroupsResponse(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 15
    API_VERSION = 4
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "groups",
            Array(
                ("error_code", Int16),
                ("group", String("utf-8")),
                ("state", String("utf-8")),
                ("protocol_type", String("utf-8")),
                ("protocol", String("utf-8")),
                (
                    "members",
                    Array(
                        ("member_id", String("utf-8")),
                        ("group_instance_id", String("utf-8")),
                        ("client_id", String("utf-8")),
                        ("client_host", String("utf-8")),
                        ("member_metadata", Bytes),
                        ("member_assignment", Bytes),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
    )


class _DescribeGroupsRequestV4(RequestStruct):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 15
    API_VERSION = 4
    RESPONSE_TYPE = _DescribeGroupsResponse
    SCHEMA = Schema(("groups", Array(String("utf-8"))), ("include_authorized_operations", Boolean))


class _DescribeGroupsRequest(Request[_DescribeGroupsRequestV4]):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 15

    def __init__(self, group: str) -> None:
        self._group = group

    def build(self, request_struct_class: type[_DescribeGroupsRequestV4]) -> _DescribeGroupsRequestV4:
        return request_struct_class([self._group], False)


@dataclass(frozen=True)
class Member:
    """One member of a group; ``instance_id`` "" = no static member."""

    instance_id: str
    host: str


@dataclass(frozen=True)
class Group:
    """A consumer group; ``state`` as Kafka says it: Stable, Empty, Dead (= there is none), ...Rebalance."""

    state: str
    members: tuple[Member, ...] = ()


async def describe_group(admin: AIOKafkaAdminClient, group: str) -> Group:
    """The group as its coordinator knows it; raises KafkaError."""
    coordinator = await admin.find_coordinator(group)
    response: Any = await admin._send_request_to_node(coordinator, _DescribeGroupsRequest(group))
    error_code, _, state, _, _, members, _ = response.groups[0]
    if error_code:
        raise for_code(error_code)(group)
    return Group(state, tuple(Member(one[1] or "", one[3]) for one in members))
