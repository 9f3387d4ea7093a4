//! Sends messages to a queue and takes them out again, with the AWS SDK for Rust. It finds the server by AWS_ENDPOINT_URL_SQS.
use aws_config::BehaviorVersion;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageAttributeValue};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let queue = std::env::args().nth(1).ok_or("Give the name of a queue.")?;
    let plain = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(plain).load().await;
    let sqs = aws_sdk_sqs::Client::new(&config);
    let url = sqs.create_queue().queue_name(&queue).send().await?.queue_url.ok_or("no URL")?;

    let size = MessageAttributeValue::builder().data_type("Number").string_value("1.50").build()?;
    sqs.send_message().queue_url(&url).message_body("first").message_attributes("size", size).send().await?;
    sqs.send_message().queue_url(&url).message_body("second").delay_seconds(1).send().await?;

    let mut taken = 0;
    while taken < 2 {
        let received = sqs
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .wait_time_seconds(20)
            .message_attribute_names("All")
            .send()
            .await?;
        for message in received.messages() {
            let attributes = message.message_attributes().map_or(0, |all| all.len());
            println!("{} {attributes}", message.body().unwrap_or_default());
            let entry = DeleteMessageBatchRequestEntry::builder()
                .set_id(message.message_id.clone())
                .set_receipt_handle(message.receipt_handle.clone())
                .build()?;
            sqs.delete_message_batch().queue_url(&url).entries(entry).send().await?;
            taken += 1;
        }
    }

    sqs.delete_queue().queue_url(&url).send().await?;
    let refused = sqs.get_queue_url().queue_name(&queue).send().await.err().ok_or("still there")?;
    println!("gone {}", refused.into_service_error().is_queue_does_not_exist());
    Ok(())
}
