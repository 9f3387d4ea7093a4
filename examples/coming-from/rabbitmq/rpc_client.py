"""RPC: asks for the price of a dish, such as `rpc_client.py soup`, and waits for the reply."""

import sys

from dumbwaiter_http import call, publish

dish = sys.argv[1] if len(sys.argv) > 1 else "soup"
call("PUT", "queues/prices", {"keep": {"doneSeconds": 60}})
request = publish("queues/prices", body={"dish": dish})["id"]
reply = call("GET", f"queues/prices/messages/{request}?waitSeconds=20")
print(dish, "costs", reply["result"] if reply["state"] == "done" else "an unknown price: no reply in time")
