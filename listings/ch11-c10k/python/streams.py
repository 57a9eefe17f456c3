"""Der Echo-Server aus Kapitel 11 mit asyncio: eine Task je Verbindung."""

import argparse
import asyncio

MAX_LINE = 8192  # Bytes ohne das Zeilenende


async def converse(reader, writer):
    try:
        while True:
            writer.write(await reader.readuntil(b"\n"))
            await writer.drain()  # wer nicht liest, dem wird nicht zugehört
    except asyncio.LimitOverrunError:
        writer.write(b"! Die Zeile hat mehr als 8192 Bytes.\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # der Client hat aufgelegt
    finally:
        writer.close()


def raise_limit():
    """Nimmt sich so viele Dateideskriptoren, wie das Betriebssystem erlaubt."""
    try:
        import resource
    except ImportError:
        return  # das gibt es nur unter Unix
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def main(port):
    server = await asyncio.start_server(
        converse, "127.0.0.1", port, limit=MAX_LINE, backlog=1024
    )
    _, port = server.sockets[0].getsockname()
    print(f"Server lauscht auf 127.0.0.1:{port}", flush=True)
    async with server:
        await server.serve_forever()


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=5000)
arguments = parser.parse_args()
raise_limit()
try:
    asyncio.run(main(arguments.port))
except KeyboardInterrupt:
    pass  # Strg+C ist das übliche Ende
