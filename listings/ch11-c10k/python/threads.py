"""Der Echo-Server aus Kapitel 11 mit einem Thread je Verbindung."""

import argparse
import socket
import threading
import time

MAX_LINE = 8192  # Bytes ohne das Zeilenende


def converse(connection):
    try:
        with connection, connection.makefile("rb") as reader:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (line := reader.readline(MAX_LINE + 1)).endswith(b"\n"):
                connection.sendall(line)
            if len(line) > MAX_LINE:
                connection.sendall(b"! Die Zeile hat mehr als 8192 Bytes.\n")
    except ConnectionError:
        pass  # abgerissen ist auch gegangen


def serve(listener):
    while True:
        try:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=[connection], daemon=True).start()
        except (OSError, RuntimeError) as error:
            print(f"Eine Verbindung war nicht zu haben: {error}.", flush=True)
            time.sleep(0.1)  # sonst käme derselbe Fehler sofort wieder


def raise_limit():
    """Nimmt sich so viele Dateideskriptoren, wie das Betriebssystem erlaubt."""
    try:
        import resource
    except ImportError:
        return  # das gibt es nur unter Unix
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=5000)
arguments = parser.parse_args()
raise_limit()
try:
    with socket.create_server(("127.0.0.1", arguments.port), backlog=1024) as listener:
        print(f"Server lauscht auf 127.0.0.1:{listener.getsockname()[1]}", flush=True)
        serve(listener)
except KeyboardInterrupt:
    pass  # Strg+C ist das übliche Ende
