/** API keys whose texts Secrets Manager generates, for the construct and for the function that registers them. */

/** Letters and digits only. 44 of them hold 262 bits. The first admin key is generated, too, and has another length: no id belongs to it. */
export const generatedKeyChars = 44;
