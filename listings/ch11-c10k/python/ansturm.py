"""Fünfhundert Clients rufen zugleich an: einmal mit der kurzen Rückstau-Warteschlange, die
socketserver von sich aus verlangt, einmal mit einer langen."""

import socket
import socketserver
import threading
import time

CLIENTS = 500
SECONDS = 1  # so lange wird gezählt


class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


def call(address, answered):
    try:
        with socket.create_connection(address) as client:
            client.sendall(b"Hallo\n")
            if client.recv(6) == b"Hallo\n":
                answered.append(time.monotonic())
    except OSError:
        pass  # zu spät: Der Server hat schon aufgehört


def rush(backlog):
    Server.request_queue_size = backlog
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answered = []
        clients = [
            threading.Thread(target=call, args=(server.server_address, answered), daemon=True)
            for _ in range(CLIENTS)
        ]
        end = time.monotonic() + SECONDS
        for client in clients:
            client.start()
        for client in clients:
            client.join(max(0, end - time.monotonic()))
        in_time = sum(moment < end for moment in answered)
        print(f"Warteschlange {backlog}: nach {SECONDS} s sind {in_time} von {CLIENTS} bedient")
        server.shutdown()


for backlog in (socketserver.TCPServer.request_queue_size, 1024):
    rush(backlog)
