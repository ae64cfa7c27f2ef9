import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Kafka Streams, exactly_once_v2. Asked and answers as run.py does; PEER_STORE is rocksdb, memory or memory-cached. */
public final class KafkaStreamsPeer {
  private static final long ASKED_POLL_MS = 50;
  private static final long CACHE_BYTES = 128L << 20;

  public static void main(String[] arguments) throws Exception {
    KafkaStreams streams = new KafkaStreams(topology(), properties());
    streams.setUncaughtExceptionHandler(error -> {
      error.printStackTrace();
      return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
    });
    streams.start();
    while (!Files.exists(Path.of(asked("ASKED")))) {
      if (streams.state() == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
      Thread.sleep(ASKED_POLL_MS);
    }
    answer(streams);
    Runtime.getRuntime().halt(0);  // an orderly end would take its time and measure nothing
  }

  private static String asked(String name) {
    return System.getenv("PEER_" + name);
  }

  private static Topology topology() {
    return new Topology()
        .addSource("events", Serdes.String().deserializer(), Serdes.ByteArray().deserializer(), asked("TOPIC"))
        .addProcessor("job", HelpdeskJob::new, "events")
        .addStateStore(store("tickets", States.TICKET), "job")
        .addStateStore(store("durations", States.DURATIONS), "job")
        .addStateStore(store("backlog", Serdes.Long()), "job");
  }

  private static <V> StoreBuilder<KeyValueStore<String, V>> store(String name, Serde<V> values) {
    boolean inMemory = asked("STORE").startsWith("memory");
    KeyValueBytesStoreSupplier supplier =
        inMemory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
    StoreBuilder<KeyValueStore<String, V>> builder =
        Stores.keyValueStoreBuilder(supplier, Serdes.String(), values).withLoggingEnabled(Map.of());
    // of a key that changes often, a cache writes one record a commit to the changelog
    return asked("STORE").equals("memory") ? builder : builder.withCachingEnabled();
  }

  private static Properties properties() {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, asked("APP"));
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, asked("BROKERS"));
    properties.put(StreamsConfig.STATE_DIR_CONFIG, asked("STATE"));
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, asked("THREADS"));
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, "1000");
    properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, String.valueOf(CACHE_BYTES));
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), "262144");
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), "100");
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    properties.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), "4000");
    return properties;
  }

  private static void answer(KafkaStreams streams) throws IOException {
    Path answer = Path.of(asked("ANSWER"));
    Path part = answer.resolveSibling("answer.part");
    try (JsonGenerator json = new JsonFactory().createGenerator(Files.newBufferedWriter(part))) {
      json.writeStartObject();
      json.writeNumberField("first_s", HelpdeskJob.firstMillis / 1000.0);
      json.writeNumberField("durable_s", 0);
      json.writeNumberField("events", HelpdeskJob.EVENTS.sum());
      json.writeArrayFieldStart("aggregates");
      ReadOnlyKeyValueStore<String, Long> backlog = read(streams, "backlog");
      try (var rows = backlog.all()) {
        while (rows.hasNext()) {
          var row = rows.next();
          json.writeStartArray();
          json.writeString(row.key);
          json.writeNumber(row.value);
          json.writeEndArray();
        }
      }
      ReadOnlyKeyValueStore<String, States.Durations> durations = read(streams, "durations");
      try (var rows = durations.all()) {
        while (rows.hasNext()) {
          var row = rows.next();
          write(json, row.key, row.value);
        }
      }
      json.writeEndArray();
      json.writeEndObject();
    }
    Files.move(part, answer);
  }

  private static void write(JsonGenerator json, String key, States.Durations durations) throws IOException {
    json.writeStartArray();
    json.writeString(key);
    json.writeStartArray();
    json.writeNumber(durations.count);
    json.writeNumber(durations.sumMs);
    json.writeStartObject();
    for (var bucket : durations.buckets.entrySet()) {
      json.writeNumberField(bucket.getKey().toString(), bucket.getValue());
    }
    json.writeEndObject();
    json.writeEndArray();
    json.writeEndArray();
  }

  private static <V> ReadOnlyKeyValueStore<String, V> read(KafkaStreams streams, String name) {
    return streams.store(StoreQueryParameters.fromNameAndType(name, QueryableStoreTypes.keyValueStore()));
  }

  private KafkaStreamsPeer() { }
}
