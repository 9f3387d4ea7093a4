"""Publish/subscribe: publishes prices to a topic, with a property by which subscribers select."""

from dumbwaiter_http import call, publish

call("PUT", "topics/stock-prices")
for symbol, price in [("SOUP", 4), ("TART", 7)]:
    attributes = {"symbol": symbol, "price": price}
    result = publish("topics/stock-prices", body=f"{symbol} at {price}", attributes=attributes)
    print(symbol, "sent to", result["subscriptions"])
