"""Sends tasks to the workers of tasks.py: `send.py square 200`."""
import sys

import tasks

name, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    getattr(tasks, name).delay(number)
print(f"sent {count}")
