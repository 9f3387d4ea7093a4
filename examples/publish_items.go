// Publishes in your own transaction, with the AWS SDK for Go: the order and its messages are stored together, or not at all.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A value in DynamoDB's JSON. Bytes are base64 there; encoding/json decodes them into a []byte. Bytes that are encoded twice are unreadable.
type value struct {
	S    *string
	N    *string
	BOOL *bool
	B    []byte
	L    []value
	M    map[string]value
}

func (v value) attribute() types.AttributeValue {
	switch {
	case v.S != nil:
		return &types.AttributeValueMemberS{Value: *v.S}
	case v.N != nil:
		return &types.AttributeValueMemberN{Value: *v.N}
	case v.BOOL != nil:
		return &types.AttributeValueMemberBOOL{Value: *v.BOOL}
	case v.B != nil:
		return &types.AttributeValueMemberB{Value: v.B}
	case v.M != nil:
		return &types.AttributeValueMemberM{Value: attributes(v.M)}
	}
	list := []types.AttributeValue{}
	for _, one := range v.L {
		list = append(list, one.attribute())
	}
	return &types.AttributeValueMemberL{Value: list}
}

func attributes(values map[string]value) map[string]types.AttributeValue {
	if values == nil {
		return nil
	}
	all := map[string]types.AttributeValue{}
	for name, one := range values {
		all[name] = one.attribute()
	}
	return all
}

type answer struct {
	IDs   []string `json:"ids"`
	Items []struct {
		Put struct {
			TableName                 string
			Item                      map[string]value
			ConditionExpression       *string
			ExpressionAttributeNames  map[string]string
			ExpressionAttributeValues map[string]value
		}
	} `json:"items"`
}

func must[T any](result T, err error) T {
	if err != nil {
		panic(err)
	}
	return result
}

func itemsFor(queue string, messages []map[string]any) (found answer) {
	url := os.Getenv("DUMBWAITER_URL") + "/v1/queues/" + queue + "/publish-items"
	body := must(json.Marshal(map[string]any{"messages": messages}))
	request := must(http.NewRequest("POST", url, bytes.NewReader(body)))
	request.Header.Set("authorization", "Bearer "+os.Getenv("DUMBWAITER_API_KEY"))
	request.Header.Set("content-type", "application/json")
	response := must(http.DefaultClient.Do(request))
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		panic(response.Status)
	}
	must(0, json.NewDecoder(response.Body).Decode(&found))
	return found
}

func main() {
	var bodies []json.RawMessage
	must(0, json.Unmarshal([]byte(os.Getenv("BODIES")), &bodies))
	messages := []map[string]any{}
	for _, body := range bodies {
		messages = append(messages, map[string]any{"body": body})
	}
	found := itemsFor(os.Getenv("QUEUE"), messages)
	order := map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: found.IDs[0]}}
	writes := []types.TransactWriteItem{{Put: &types.Put{TableName: aws.String(os.Getenv("ORDERS_TABLE")), Item: order}}}
	for _, item := range found.Items {
		put := item.Put
		writes = append(writes, types.TransactWriteItem{Put: &types.Put{
			TableName:                 &put.TableName,
			Item:                      attributes(put.Item),
			ConditionExpression:       put.ConditionExpression,
			ExpressionAttributeNames:  put.ExpressionAttributeNames,
			ExpressionAttributeValues: attributes(put.ExpressionAttributeValues),
		}})
	}
	client := dynamodb.NewFromConfig(must(config.LoadDefaultConfig(context.Background())))
	must(client.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{TransactItems: writes}))
	fmt.Println(string(must(json.Marshal(found.IDs))))
}
