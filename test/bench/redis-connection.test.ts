import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { describe, it } from "node:test";
import { RedisConnection, ReplyReader, command } from "../../bench/senders/redis-connection.ts";

describe("the connection to Redis", () => {
  it("reads replies however they are cut", () => {
    const bytes = Buffer.from("+OK\r\n$-1\r\n:12\r\n$5\r\n+12\r3\r\n-ERR no\r\n");
    for (let at = 0; at <= bytes.length; at++) {
      const reader = new ReplyReader();
      reader.add(bytes.subarray(0, at));
      reader.add(bytes.subarray(at));
      assert.equal(reader.count, 5);
      assert.deepEqual(reader.take(5), ["OK", null, "12", "+12\r3", "-ERR no"]);
    }
  });

  it("writes a command as Redis reads it", () => {
    assert.equal(command("SET", "a:1", "1"), "*3\r\n$3\r\nSET\r\n$3\r\na:1\r\n$1\r\n1\r\n");
  });

  it("gives each call its own replies, and rejects where one is an error or the connection ends", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const accepted = once(server, "connection");
    const connection = await RedisConnection.open((server.address() as AddressInfo).port);
    const [socket] = (await accepted) as [Socket];
    socket.resume();
    try {
      const calls = [1, 2, 1].map((count) => connection.call(Buffer.from("x"), count));
      socket.write("+a\r\n+b\r\n-ERR no\r\n+d\r\n");
      const [first, second, third] = await Promise.allSettled(calls);
      assert.deepEqual(first, { status: "fulfilled", value: ["a"] });
      assert.match(String((second as PromiseRejectedResult).reason), /Redis: -ERR no/);
      assert.deepEqual(third, { status: "fulfilled", value: ["d"] });
      const cut = connection.call(Buffer.from("x"), 1);
      socket.end();
      await assert.rejects(cut, /closed the connection/);
    } finally {
      connection.close();
      server.close();
    }
  });
});
