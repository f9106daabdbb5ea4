/**
 * Operations on a group that a client may be told it is allowed, as a bit field (KIP-430). Without an authorizer everything is.
 */

const READ = 3;
const DELETE = 6;
const DESCRIBE = 8;
const DESCRIBE_CONFIGS = 10;
const ALTER_CONFIGS = 11;

export const GROUP_OPERATIONS = [READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS].reduce(
  (bits, operation) => bits | (1 << operation),
  0,
);
