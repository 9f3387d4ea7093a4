// Sends messages to a queue and takes them out again, with the AWS SDK for Go. It finds the server by AWS_ENDPOINT_URL_SQS.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func must[T any](output T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return output
}

func main() {
	ctx := context.Background()
	client := sqs.NewFromConfig(must(config.LoadDefaultConfig(ctx)))
	url := must(client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(os.Args[1])})).QueueUrl

	must(client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl:          url,
		MessageBody:       aws.String("first"),
		MessageAttributes: map[string]types.MessageAttributeValue{"size": {DataType: aws.String("Number"), StringValue: aws.String("1.50")}},
	}))
	entries := []types.SendMessageBatchRequestEntry{
		{Id: aws.String("a"), MessageBody: aws.String("second")},
		{Id: aws.String("b"), MessageBody: aws.String("third"), DelaySeconds: 1},
	}
	if failed := must(client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})).Failed; len(failed) > 0 {
		log.Fatal(*failed[0].Message)
	}

	for taken := 0; taken < 3; {
		received := must(client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		}))
		handles := []types.DeleteMessageBatchRequestEntry{}
		for _, message := range received.Messages {
			fmt.Println(*message.Body, len(message.MessageAttributes))
			handles = append(handles, types.DeleteMessageBatchRequestEntry{Id: message.MessageId, ReceiptHandle: message.ReceiptHandle})
		}
		if len(handles) > 0 {
			must(client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: handles}))
		}
		taken += len(handles)
	}

	must(client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url}))
	_, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(os.Args[1])})
	var gone *types.QueueDoesNotExist
	fmt.Println("gone", errors.As(err, &gone))
}
