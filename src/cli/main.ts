#!/usr/bin/env node
import { enableCompileCache, flushCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";

// A group commit syncs several files at once; libuv reads this when its thread pool first runs, so it has to stand before anything else.
process.env.UV_THREADPOOL_SIZE ??= "8";
// By default V8 lets garbage pile up to several times what is live; that memory serves a broker better as page cache.
setFlagsFromString("--heap-growing-percent=100");
// Code is compiled once per machine instead of once per start; whatever is imported before this line would miss it.
enableCompileCache();
// Written at the end of the process otherwise, which a killed one does not have.
setTimeout(flushCompileCache, 10_000).unref();
const { runProcess } = await import("./process.ts");
process.exitCode = await runProcess();
