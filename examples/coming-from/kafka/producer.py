"""Publishes records with a key to a topic. Records of one key stay in order: the key is the group of the message."""

from dumbwaiter_http import call, publish

call("PUT", "topics/payments")
for account, cents in [("ada", 100), ("bob", 250), ("ada", -30)]:
    result = publish("topics/payments", group=account, body={"cents": cents})
    print(account, cents, "is", result["id"])
