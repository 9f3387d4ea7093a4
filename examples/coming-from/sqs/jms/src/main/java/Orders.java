import com.amazon.sqs.javamessaging.ProviderConfiguration;
import com.amazon.sqs.javamessaging.SQSConnection;
import com.amazon.sqs.javamessaging.SQSConnectionFactory;
import jakarta.jms.BytesMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.util.concurrent.CountDownLatch;
import software.amazon.awssdk.services.sqs.SqsClient;

/** Sends and receives with JMS on SQS. The client finds the server by AWS_ENDPOINT_URL_SQS. */
public class Orders {
  public static void main(String[] args) throws Exception {
    String name = args[0];
    // Without a prefetch, a consumer closes at once. With one, closing waits for the receive in progress, up to 20 seconds.
    ProviderConfiguration terms = new ProviderConfiguration().withNumberOfMessagesToPrefetch(0);
    SQSConnectionFactory factory = new SQSConnectionFactory(terms, SqsClient.create());
    try (SQSConnection connection = factory.createConnection()) {
      if (!connection.getWrappedAmazonSQSClient().queueExists(name)) connection.getWrappedAmazonSQSClient().createQueue(name);
      connection.start();
      Session session = connection.createSession(false, Session.CLIENT_ACKNOWLEDGE);
      Queue queue = session.createQueue(name);
      MessageProducer producer = session.createProducer(queue);
      MessageConsumer consumer = session.createConsumer(queue);

      TextMessage text = session.createTextMessage("größe <&> 😀");
      text.setStringProperty("kind", "text");
      text.setIntProperty("size", 42);
      text.setDoubleProperty("ratio", 1.5);
      text.setBooleanProperty("urgent", true);
      text.setJMSReplyTo(queue);
      text.setJMSCorrelationID("c-1");
      producer.send(text);

      // Not acknowledged: recovered, it comes again.
      Message first = consumer.receive(20_000);
      session.recover();
      TextMessage again = (TextMessage) consumer.receive(20_000);
      System.out.println(again.getText());
      System.out.println(again.getStringProperty("kind") + " " + again.getIntProperty("size") + " " + again.getDoubleProperty("ratio")
          + " " + again.getBooleanProperty("urgent") + " " + again.getJMSCorrelationID() + " " + again.getJMSReplyTo().equals(queue));
      System.out.println("same " + first.getJMSMessageID().equals(again.getJMSMessageID()) + ", deliveries " + again.getIntProperty("JMSXDeliveryCount"));
      again.acknowledge();

      BytesMessage bytes = session.createBytesMessage();
      bytes.writeBytes(new byte[] {0, (byte) 0xff});
      producer.send(bytes);
      BytesMessage received = (BytesMessage) consumer.receive(20_000);
      System.out.println("bytes " + received.getBodyLength() + " " + received.readUnsignedByte() + " " + received.readUnsignedByte());
      received.acknowledge();
      consumer.close();

      // A listener, with messages acknowledged as it returns.
      Session listening = connection.createSession(false, Session.AUTO_ACKNOWLEDGE);
      CountDownLatch all = new CountDownLatch(20);
      listening.createConsumer(queue).setMessageListener(message -> all.countDown());
      for (int at = 0; at < 20; at++) producer.send(session.createTextMessage("message " + at));
      all.await();
      System.out.println("listened 20");
    }
  }
}
