// What every generated client must be able to do. Prints what it saw as one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	dw "example.com/generated/dumbwaiter"
)

func must[T any](output T, _ any, err error) T {
	if err != nil {
		var refused *dw.GenericOpenAPIError
		if errors.As(err, &refused) {
			panic(string(refused.Body()))
		}
		panic(err)
	}
	return output
}

func codeOf(ok bool, code *string) string {
	if ok {
		return "ok"
	}
	return *code
}

type content struct {
	Body       any            `json:"body"`
	Bytes      *string        `json:"bytes"`
	Attributes map[string]any `json:"attributes"`
}

func contentOf(body any, bytes *string, attributes map[string]dw.AttributeValue) content {
	values := map[string]any{}
	for name, value := range attributes {
		if value.String != nil {
			values[name] = *value.String
		} else {
			values[name] = *value.Float64
		}
	}
	return content{body, bytes, values}
}

func main() {
	config := dw.NewConfiguration()
	config.Servers = dw.ServerConfigurations{{URL: os.Getenv("DUMBWAITER_URL")}}
	client := dw.NewAPIClient(config)
	ctx := context.WithValue(context.Background(), dw.ContextAccessToken, os.Getenv("DUMBWAITER_API_KEY"))
	queue := os.Getenv("QUEUE")
	dead := queue + "-dead"
	seen := map[string]any{}

	must(client.QueuesAPI.CreateQueue(ctx, dead).Execute())
	settings := dw.NewCreateQueueInput()
	settings.SetDeadLetter(*dw.NewDeadLetterInput(dead))
	must(client.QueuesAPI.CreateQueue(ctx, queue).CreateQueueInput(*settings).Execute())

	kind, size := "text", 3.0
	attributes := map[string]dw.AttributeValue{"kind": {String: &kind}, "size": {Float64: &size}}
	bytes, dots := "AAH/", ".."
	entries := []dw.PublishEntry{
		{Body: map[string]any{"order": 1}, Attributes: attributes},
		{BodyBase64: &bytes},
		{Body: json.RawMessage("null")},
		{Body: 2, Id: &dots},
	}
	published := []string{}
	for _, result := range must(client.MessagesAPI.Publish(ctx, queue).PublishInput(*dw.NewPublishInput(entries)).Execute()).Results {
		published = append(published, codeOf(result.Ok, result.Code))
	}
	seen["published"] = published

	max := int32(10)
	received := must(client.MessagesAPI.Receive(ctx, queue).ReceiveInput(dw.ReceiveInput{Max: &max}).Execute()).Messages
	contents := []content{}
	for _, message := range received {
		contents = append(contents, contentOf(message.Body, message.BodyBase64, message.Attributes))
	}
	seen["received"] = contents

	acked := []string{}
	ack := *dw.NewAckInput([]string{received[0].Receipt, "nonsense"})
	for _, result := range must(client.MessagesAPI.Ack(ctx, queue).AckInput(ack).Execute()).Results {
		acked = append(acked, codeOf(result.Ok, result.Code))
	}
	seen["acked"] = acked
	release := *dw.NewReleaseInput([]string{received[1].Receipt})
	seen["released"] = must(client.MessagesAPI.Release(ctx, queue).ReleaseInput(release).Execute()).Results[0].VisibleAt != nil
	reject := *dw.NewReleaseInput([]string{received[2].Receipt})
	reject.SetFailed("broken")
	reject.SetDeadLetter(true)
	seen["deadLettered"] = must(client.MessagesAPI.Release(ctx, queue).ReleaseInput(reject).Execute()).Results[0].DeadLettered

	id, hour := "later", int32(3600)
	later := dw.PublishEntry{Id: &id, Body: map[string]any{"a": 1}, Attributes: attributes, DelaySeconds: &hour}
	must(client.MessagesAPI.Publish(ctx, queue).PublishInput(*dw.NewPublishInput([]dw.PublishEntry{later})).Execute())
	update := func(change dw.UpdateMessageInput) content {
		must(client.MessagesAPI.UpdateMessage(ctx, queue, id).UpdateMessageInput(change).Execute())
		message := must(client.MessagesAPI.GetMessage(ctx, queue, id).Execute())
		return contentOf(message.Body, message.BodyBase64, message.Attributes)
	}
	twoHours := int32(7200)
	seen["putOff"] = update(dw.UpdateMessageInput{DelaySeconds: &twoHours})
	seen["edited"] = update(dw.UpdateMessageInput{Content: &dw.NewContent{Body: map[string]any{"a": 2}}})

	reason := "rejected"
	task := must(client.RedriveAPI.Redrive(ctx, dead).RedriveInput(dw.RedriveInput{Reason: &reason}).Execute())
	for task.State == "running" {
		time.Sleep(50 * time.Millisecond)
		task = must(client.RedriveAPI.GetRedrive(ctx, dead, task.Id).Execute())
	}
	seen["redriven"] = []any{task.State, task.Moved}

	_, response, err := client.QueuesAPI.GetQueue(ctx, queue+"-missing").Execute()
	var refused *dw.GenericOpenAPIError
	if !errors.As(err, &refused) {
		panic(err)
	}
	problem := dw.Problem{}
	if err := json.Unmarshal(refused.Body(), &problem); err != nil {
		panic(err)
	}
	seen["refused"] = []any{response.StatusCode, problem.Code}

	line, _ := json.Marshal(seen)
	fmt.Println(string(line))
}
