import socket
import sys

host, port = sys.argv[1], int(sys.argv[2])
with socket.create_connection((host, port)) as connection:
    connection.sendall("Grüße aus Python".encode())
    print(connection.recv(1024).decode())
    connection.sendall(b"bye")
