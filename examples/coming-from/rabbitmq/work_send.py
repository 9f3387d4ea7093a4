"""Work queues: adds a task, such as `work_send.py photo.jpg 2`. The second argument says how many seconds it takes."""

import sys

from dumbwaiter_http import call, publish

file = sys.argv[1] if len(sys.argv) > 1 else "photo.jpg"
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 1
call("PUT", "queues/resizes", {"visibilityTimeoutSeconds": 10})
publish("queues/resizes", body={"file": file, "seconds": seconds})
print("added", file)
