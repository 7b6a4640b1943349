"""Holds a listening socket and passes it to one server after another, as systemd does.

Prints its port; then starts the program of its arguments for each line "start" on stdin, and ends it for each "stop".
"""

import os
import signal
import socket
import sys

listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
print(listener.getsockname()[1], flush=True)
child = 0
for line in sys.stdin:
    if line.strip() == "start":
        child = os.fork()
        if child == 0:
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
            os.execvp(sys.argv[1], sys.argv[1:])
    else:
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
        print("ended", os.waitstatus_to_exitcode(status), flush=True)
if child:
    try:
        os.kill(child, signal.SIGKILL)
    except ProcessLookupError:
        pass
