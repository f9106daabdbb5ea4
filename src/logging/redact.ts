/** Keeps secrets out of logs: by the name of a field, and by the type of a value. */

export const REDACTED = "[hidden]";

/** Matched anywhere in a field's name, case and separators aside: `ssl.keystore.password`, `sasl_jaas_config`, `clientSecret`. */
const SECRET_NAME =
  /password|passphrase|secret|token(?!s?(count|id))|jaas|credential|privatekey|authorization|saltedpassword|storedkey|serverkey/;

/** Whether a field of this name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name.toLowerCase().replace(/[._\- ]/g, ""));
}

/** Whether `value` is a secret by type: an object that shows itself only by `reveal()`, such as config's Password. */
export function isSecretValue(value: unknown): boolean {
  return typeof value === "object" && value !== null && typeof (value as { reveal?: unknown }).reveal === "function";
}
