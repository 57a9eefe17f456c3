"""Ein Chat-Server mit asyncio, so kurz wie üblich: das Maß, an dem sich die Server dieses Buchs messen."""

import argparse
import asyncio

clients = set()  # die Ausgänge aller, die da sind


def tell_others(sender, line):
    for writer in clients:
        if writer is not sender:
            writer.write(line)  # wartet nie: Was nicht hinausgeht, sammelt sich hier


async def converse(reader, writer):
    name = (await reader.readline()).strip()
    clients.add(writer)
    tell_others(writer, b"* %b ist da\n" % name)
    try:
        async for line in reader:
            text = line.rstrip(b"\r\n")
            if text == b"bye":
                break
            tell_others(writer, b"%b: %b\n" % (name, text))
    except ConnectionError:
        pass  # abgerissen ist auch gegangen
    finally:
        clients.discard(writer)
        tell_others(writer, b"* %b ist weg\n" % name)
        writer.close()


async def main(port):
    server = await asyncio.start_server(converse, "127.0.0.1", port)
    _, port = server.sockets[0].getsockname()
    print(f"Server lauscht auf 127.0.0.1:{port}", flush=True)
    async with server:
        await server.serve_forever()


parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, default=5000)
try:
    asyncio.run(main(parser.parse_args().port))
except KeyboardInterrupt:
    pass  # Strg+C ist das übliche Ende
