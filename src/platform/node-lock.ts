/**
 * An exclusive lock on a file that the operating system drops when the process dies, however it dies.
 *
 * Node has no `flock`, but it carries SQLite, which locks byte ranges of its database file with the system's own record locks
 * (`fcntl` on POSIX, `LockFileEx` on Windows). An open exclusive transaction over the empty `.lock` file is such a lock and writes
 * nothing. What was weighed against it: a file holding a process id goes stale and means nothing across containers; an abstract socket
 * exists on Linux only and not across network namespaces. The choice has one more merit: Apache Kafka takes the same kind of lock on the
 * same `.lock` file of a log directory, so that Samsa and Kafka exclude each other as well.
 *
 * POSIX drops a process's record locks when it closes *any* descriptor of the file: nothing else may open a lock file.
 */
import { DiskError } from "./platform.ts";

interface LockDatabase {
  exec(sql: string): void;
  close(): void;
}

type LockDatabaseConstructor = new (path: string) => LockDatabase;

/** SQLite's result codes: another connection or process holds the lock; the file is not a database. */
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;

/** A database that is collected is closed: what is held is kept, even for a caller who drops the release. */
const heldDatabases = new Set<LockDatabase>();

/**
 * Locks `path`, creating it when missing.
 *
 * @returns the release, or null when this or another process holds the lock
 * @throws DiskError `ENOTSUP` where Node was built without SQLite, `EINVAL` when the file holds something foreign, `EIO` otherwise
 */
export function lockFile(path: string): (() => void) | null {
  const DatabaseSync = loadSqlite(path);
  let database: LockDatabase | undefined;
  try {
    database = new DatabaseSync(path);
    // The rollback journal would be a second file beside the lock.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    const code = (error as { errcode?: number }).errcode;
    if (code === SQLITE_BUSY) return null;
    throw new DiskError(code === SQLITE_NOTADB ? "EINVAL" : "EIO", "lock", path, error);
  }
  const held = database;
  heldDatabases.add(held);
  return () => {
    if (heldDatabases.delete(held)) held.close();
  };
}

/** Loads the module on first use, without its "experimental" warning: the four calls used here have kept their shape since Node 22.5. */
function loadSqlite(path: string): LockDatabaseConstructor {
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const sqlite = process.getBuiltinModule("node:sqlite") as { DatabaseSync: LockDatabaseConstructor } | undefined;
    if (sqlite === undefined)
      throw new DiskError("ENOTSUP", "lock", path, new Error("this Node was built without node:sqlite"));
    return sqlite.DatabaseSync;
  } finally {
    process.emitWarning = emitWarning;
  }
}
