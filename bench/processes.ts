/** Child processes of the benchmarks, and what they cost. */
import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Being asked costs a server that starts some of its time. */
const askAgainMs = 25;

/** Resolves once the URL answers with success. */
export async function waitUntilUp(
  url: string,
  child: ChildProcess,
  request?: RequestInit,
  deadlineMs = 120_000,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the server stopped with ${child.exitCode}`);
    try {
      const response = await fetch(url, request);
      await response.text();
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    if (performance.now() > end) throw new Error(`${url} is not up after ${deadlineMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, askAgainMs));
  }
}

export async function stopChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exited;
}

/** User and system time of a process so far. */
export function cpuSecondsOf(pid: number): number {
  return ticks(pid, 11, 12);
}

/** Of a process that others work for: with those of its children that are there, and that have been. */
export function cpuSecondsOfFamily(pid: number): number {
  return childrenOf(pid).reduce((sum, child) => sum + ticks(child, 11, 12), ticks(pid, 11, 14));
}

/** Sums fields of `/proc/PID/stat` behind the name, from the first to the last. */
function ticks(pid: number, first: number, last: number): number {
  const fields = ofProcess(pid, "stat").split(") ")[1]?.split(" ") ?? [];
  const ticksASecond = 100;
  return (
    fields.slice(first, last + 1).reduce((sum, field) => sum + Number(field), 0) / ticksASecond
  );
}

export function residentBytesOf(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match![1]) * 1024;
}

/** Of a process and its children; what they share (the program, shared memory) counts once. */
export function residentBytesOfFamily(pid: number): number {
  const all = [pid, ...childrenOf(pid)].map((one) => ofProcess(one, "status"));
  const each = (name: string): number[] =>
    all.map((status) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0));
  const own = each("RssAnon").reduce((sum, kilobytes) => sum + kilobytes, 0);
  return (own + Math.max(...each("RssFile")) + Math.max(...each("RssShmem"))) * 1024;
}

/** Nothing where it is gone: children come and go. */
function ofProcess(pid: number, file: "stat" | "status"): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code!)) return "";
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((child) => child !== "")
    .map(Number);
}

export function directoryBytes(path: string): number {
  let bytes = 0;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    bytes += entry.isDirectory() ? directoryBytes(child) : bytesOfFile(child);
  }
  return bytes;
}

/** On disk; 0 where it has gone meanwhile. */
function bytesOfFile(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
