import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the stores hold, and how it is written: fixed layouts, since JSON or Java's own would only slow it down. */
final class States {
  static final class Ticket {
    long createdMs, firstResponseMs;  // 0 = never
    boolean isOpen;
    String group, priority;
  }

  static final class Durations {
    long count, sumMs;
    final TreeMap<Integer, Integer> buckets = new TreeMap<>();
  }

  static final Serde<Ticket> TICKET = serde(States::write, States::readTicket);
  static final Serde<Durations> DURATIONS = serde(States::write, States::readDurations);

  private static final int MOST_TICKET_BYTES = 17 + 2 * 256;

  private static byte[] write(Ticket ticket) {
    ByteBuffer buffer = ByteBuffer.allocate(MOST_TICKET_BYTES);
    buffer.putLong(ticket.createdMs).putLong(ticket.firstResponseMs).put((byte) (ticket.isOpen ? 1 : 0));
    write(buffer, ticket.group);
    write(buffer, ticket.priority);
    return Arrays.copyOf(buffer.array(), buffer.position());
  }

  private static Ticket readTicket(ByteBuffer buffer) {
    Ticket ticket = new Ticket();
    ticket.createdMs = buffer.getLong();
    ticket.firstResponseMs = buffer.getLong();
    ticket.isOpen = buffer.get() == 1;
    ticket.group = readText(buffer);
    ticket.priority = readText(buffer);
    return ticket;
  }

  private static byte[] write(Durations durations) {
    ByteBuffer buffer = ByteBuffer.allocate(16 + 8 * durations.buckets.size());
    buffer.putLong(durations.count).putLong(durations.sumMs);
    durations.buckets.forEach((bucket, count) -> buffer.putInt(bucket).putInt(count));
    return buffer.array();
  }

  private static Durations readDurations(ByteBuffer buffer) {
    Durations durations = new Durations();
    durations.count = buffer.getLong();
    durations.sumMs = buffer.getLong();
    while (buffer.hasRemaining()) durations.buckets.put(buffer.getInt(), buffer.getInt());
    return durations;
  }

  private static void write(ByteBuffer buffer, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    buffer.put((byte) bytes.length).put(bytes);
  }

  private static String readText(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.get() & 255];
    buffer.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static <T> Serde<T> serde(Function<T, byte[]> write, Function<ByteBuffer, T> read) {
    return Serdes.serdeFrom(
        (topic, value) -> value == null ? null : write.apply(value),
        (topic, bytes) -> bytes == null ? null : read.apply(ByteBuffer.wrap(bytes)));
  }

  private States() { }
}
