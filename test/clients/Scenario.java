import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.MessagesApi;
import org.openapitools.client.api.QueuesApi;
import org.openapitools.client.api.RedriveApi;
import org.openapitools.client.model.*;

/** What every generated client must be able to do. Prints what it saw as one line of JSON. */
public class Scenario {
  public static void main(String[] args) throws Exception {
    ApiClient client = new ApiClient();
    client.updateBaseUri(System.getenv("DUMBWAITER_URL"));
    client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + System.getenv("DUMBWAITER_API_KEY")));
    QueuesApi queues = new QueuesApi(client);
    MessagesApi messages = new MessagesApi(client);
    RedriveApi redrives = new RedriveApi(client);
    String queue = System.getenv("QUEUE");
    String dead = queue + "-dead";
    Map<String, Object> seen = new LinkedHashMap<>();

    queues.createQueue(dead, null);
    queues.createQueue(queue, new CreateQueueInput().deadLetter(new DeadLetterInput().queue(dead)));

    Map<String, AttributeValue> attributes = Map.of("kind", new AttributeValue("text"), "size", new AttributeValue(3.0));
    List<PublishEntry> entries =
        List.of(
            new PublishEntry().body(Map.of("order", 1)).attributes(attributes),
            new PublishEntry().bodyBase64("AAH/"),
            new PublishEntry().body(null),
            new PublishEntry().body(2).id(".."));
    List<String> published = new ArrayList<>();
    for (PublishResult result : messages.publish(queue, new PublishInput().messages(entries)).getResults())
      published.add(codeOf(result.getOk(), result.getCode()));
    seen.put("published", published);

    List<ReceivedMessage> received = messages.receive(queue, new ReceiveInput().max(10)).getMessages();
    List<Object> contents = new ArrayList<>();
    for (ReceivedMessage message : received)
      contents.add(contentOf(message.getBody(), message.getBodyBase64(), message.getAttributes()));
    seen.put("received", contents);

    List<String> acked = new ArrayList<>();
    for (AckResult result : messages.ack(queue, new AckInput().receipts(List.of(received.get(0).getReceipt(), "nonsense"))).getResults())
      acked.add(codeOf(result.getOk(), result.getCode()));
    seen.put("acked", acked);
    ReleaseInput release = new ReleaseInput().receipts(List.of(received.get(1).getReceipt()));
    seen.put("released", messages.release(queue, release).getResults().get(0).getVisibleAt() != null);
    ReleaseInput reject = new ReleaseInput().receipts(List.of(received.get(2).getReceipt())).failed("broken").deadLetter(true);
    seen.put("deadLettered", messages.release(queue, reject).getResults().get(0).getDeadLettered());

    PublishEntry later = new PublishEntry().id("later").body(Map.of("a", 1)).attributes(attributes).delaySeconds(3600);
    messages.publish(queue, new PublishInput().messages(List.of(later)));
    messages.updateMessage(queue, "later", new UpdateMessageInput().delaySeconds(7200));
    seen.put("putOff", contentOf(messages.getMessage(queue, "later", null)));
    messages.updateMessage(queue, "later", new UpdateMessageInput().content(new NewContent().body(Map.of("a", 2))));
    seen.put("edited", contentOf(messages.getMessage(queue, "later", null)));

    RedriveTask task = redrives.redrive(dead, new RedriveInput().reason(RedriveInput.ReasonEnum.REJECTED));
    while (task.getState() == RedriveTask.StateEnum.RUNNING) {
      Thread.sleep(50);
      task = redrives.getRedrive(dead, task.getId());
    }
    seen.put("redriven", List.of(task.getState().getValue(), task.getMoved()));

    try {
      queues.getQueue(queue + "-missing");
    } catch (ApiException error) {
      Problem problem = ApiClient.createDefaultObjectMapper().readValue(error.getResponseBody(), Problem.class);
      seen.put("refused", List.of(error.getCode(), problem.getCode()));
    }
    // The mapper of the client leaves out nulls.
    System.out.println(new ObjectMapper().writeValueAsString(seen));
  }

  private static String codeOf(boolean ok, String code) {
    return ok ? "ok" : code;
  }

  private static Object contentOf(Message message) {
    return contentOf(message.getBody(), message.getBodyBase64(), message.getAttributes());
  }

  private static Object contentOf(Object body, String bytes, Map<String, AttributeValue> attributes) {
    Map<String, Object> values = new HashMap<>();
    attributes.forEach((name, value) -> values.put(name, value.getActualInstance()));
    Map<String, Object> content = new HashMap<>();
    content.put("body", body);
    content.put("bytes", bytes);
    content.put("attributes", values);
    return content;
  }
}
