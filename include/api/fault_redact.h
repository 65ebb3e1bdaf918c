/* Keeping secrets out of texts that the service echoes. Pure. */
#ifndef ICE_API_FAULT_REDACT_H
#define ICE_API_FAULT_REDACT_H

/* Cut what could be a secret out of a text from outside, in place; what is cut becomes "***", and
 * the text never grows.
 *
 * - all behind "string to sign", "canonical request" or ACS3-HMAC-SHA256, in any spelling;
 * - the values of security tokens, secrets, signatures and credentials: `name=value`,
 *   `name: value`, `"name":"value"`, `<name>value`, `name%3Dvalue`;
 * - access key ids (labelled, or LTAI..., STS...., TMP....) but for their first 4 characters;
 * - whatever else looks like a token, a signature or a hash: 64 characters of base64 or more.
 *
 * The codes of the service (SignatureDoesNotMatch, InvalidSecurityToken.Expired) come through. */
void fault_redact(char *text);

#endif
