import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.LocalDate;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;

/** The job of helpdesk_job.py as a processor: tickets and aggregates lie in stores of the task, one per partition. */
final class HelpdeskJob implements Processor<String, byte[], Void, Void> {
  static final LongAdder EVENTS = new LongAdder();
  static volatile long firstMillis;

  private static final JsonFactory JSON = new JsonFactory();
  private static final long HOUR_MS = 3_600_000;

  private KeyValueStore<String, States.Ticket> tickets;
  private KeyValueStore<String, States.Durations> durations;
  private KeyValueStore<String, Long> backlog;

  // of the event that is being processed; null where it does not say
  private String type, time, group, priority, actor, to;
  private boolean isPublic;

  @Override
  public void init(ProcessorContext<Void, Void> context) {
    tickets = context.getStateStore("tickets");
    durations = context.getStateStore("durations");
    backlog = context.getStateStore("backlog");
  }

  @Override
  public void process(Record<String, byte[]> record) {
    if (firstMillis == 0) firstMillis = System.currentTimeMillis();
    EVENTS.increment();
    parse(record.value());
    switch (type) {
      case "helpdesk.ticket.created" -> create(record.key());
      case "helpdesk.ticket.updated" -> { if (group != null || priority != null) move(record.key()); }
      case "helpdesk.ticket.message" -> { if (isPublic && "agent".equals(actor)) reply(record.key()); }
      case "helpdesk.ticket.status_changed" -> changeStatus(record.key());
      default -> { }
    }
  }

  private void create(String subject) {
    if (tickets.get(subject) != null) return;
    States.Ticket ticket = new States.Ticket();
    ticket.createdMs = timeMs(time);
    ticket.group = group;
    ticket.priority = priority;
    ticket.isOpen = true;
    tickets.put(subject, ticket);
    addToBacklog(group, 1);
  }

  private void move(String subject) {
    States.Ticket ticket = tickets.get(subject);
    if (ticket == null) return;
    String was = ticket.group;
    ticket.group = group != null ? group : was;
    ticket.priority = priority != null ? priority : ticket.priority;
    tickets.put(subject, ticket);
    if (ticket.isOpen && !was.equals(ticket.group)) {
      addToBacklog(was, -1);
      addToBacklog(ticket.group, 1);
    }
  }

  private void reply(String subject) {
    States.Ticket ticket = tickets.get(subject);
    if (ticket == null || ticket.firstResponseMs != 0) return;
    ticket.firstResponseMs = timeMs(time);
    tickets.put(subject, ticket);
    addDuration("first_response", ticket, ticket.firstResponseMs);
  }

  private void changeStatus(String subject) {
    States.Ticket ticket = tickets.get(subject);
    boolean isOpen = !"resolved".equals(to) && !"closed".equals(to);
    if (ticket == null || ticket.isOpen == isOpen) return;
    ticket.isOpen = isOpen;
    tickets.put(subject, ticket);
    if (!isOpen) addDuration("resolution", ticket, timeMs(time));
    addToBacklog(ticket.group, isOpen ? 1 : -1);
  }

  private void addToBacklog(String ofGroup, long tickets) {
    String key = "backlog|" + ofGroup;
    Long now = backlog.get(key);
    backlog.put(key, (now == null ? 0 : now) + tickets);
  }

  private void addDuration(String what, States.Ticket ticket, long endMs) {
    String key = what + "|" + endMs / HOUR_MS + "|" + ticket.group + "|" + ticket.priority;
    States.Durations now = durations.get(key);
    if (now == null) now = new States.Durations();
    long lastedMs = endMs - ticket.createdMs;
    now.count++;
    now.sumMs += lastedMs;
    now.buckets.merge(bucket(lastedMs), 1, Integer::sum);
    durations.put(key, now);
  }

  /** The fields that matter, token by token: no tree is built. */
  private void parse(byte[] value) {
    type = time = group = priority = actor = to = null;
    isPublic = false;
    try (JsonParser parser = JSON.createParser(value)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String name = parser.currentName();
        JsonToken token = parser.nextToken();
        switch (name) {
          case "type" -> type = parser.getText();
          case "time" -> time = parser.getText();
          case "data" -> { if (token == JsonToken.START_OBJECT) parseData(parser); }
          default -> parser.skipChildren();
        }
      }
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private void parseData(JsonParser parser) throws IOException {
    while (parser.nextToken() == JsonToken.FIELD_NAME) {
      String name = parser.currentName();
      JsonToken token = parser.nextToken();
      switch (name) {
        case "group" -> group = parser.getText();
        case "priority" -> priority = parser.getText();
        case "actor" -> actor = parser.getText();
        case "to" -> to = parser.getText();
        case "public" -> isPublic = token == JsonToken.VALUE_TRUE;
        default -> parser.skipChildren();
      }
    }
  }

  /** Of 2026-01-05T09:44:33.923Z, the one form that the race's events have. */
  private static long timeMs(String text) {
    long day = LocalDate.of(number(text, 0, 4), number(text, 5, 7), number(text, 8, 10)).toEpochDay();
    long minutes = number(text, 11, 13) * 60L + number(text, 14, 16);
    return ((day * 1440 + minutes) * 60 + number(text, 17, 19)) * 1000 + number(text, 20, 23);
  }

  private static int number(String text, int from, int to) {
    int number = 0;
    for (int at = from; at < to; at++) number = number * 10 + text.charAt(at) - '0';
    return number;
  }

  private static int bucket(long value) {
    if (value < 8) return (int) value;
    int shift = 60 - Long.numberOfLeadingZeros(value);
    return shift * 8 + (int) (value >> shift);
  }
}
