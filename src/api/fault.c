#include "api/fault.h"
#include "base/attr.h"
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Error bodies have some kilobytes even where they echo the request; ours have a depth of 2. */
#define BODY_MAX  ((size_t)256 << 10)
#define DEPTH_MAX 32

/* Length of the valid UTF-8 sequence at p, which ends in a NUL somewhere behind, or 0. */
static size_t utf8_sequence(const unsigned char *p)
{
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool no_character = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90);
    return overlong || no_character ? 0 : n;
}

/* What breaks a line, drives a terminal or turns the writing direction: C0 and C1 controls, the
 * line separators and the bidirectional controls (U+2028 to 202E, U+2066 to 2069). */
static bool is_control(const unsigned char *p, size_t n)
{
    if (n == 1)
        return p[0] < 0x20 || p[0] == 0x7f;
    if (n == 2)
        return p[0] == 0xc2 && p[1] < 0xa0;
    return n == 3 && p[0] == 0xe2 &&
           ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
            (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9));
}

/* One redacted line of UTF-8, cut at a character. `text` is changed. */
static void put_line(char *out, size_t size, char *text)
{
    size_t len = 0;
    fault_redact(text);
    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        size_t n = utf8_sequence(p);
        bool plain = n > 0 && !is_control(p, n);
        size_t add = plain ? n : 1;
        if (len + add >= size)
            break;
        if (plain)
            memcpy(out + len, p, n);
        else
            out[len] = n > 0 ? ' ' : '?';
        len += add;
        p += n > 0 ? n : 1;
    }
    while (len > 0 && out[len - 1] == ' ')
        len--;
    out[len] = '\0';
}

/* The same for what is printable ASCII when it is well-formed. */
static void put_ascii(char *out, size_t size, char *text)
{
    size_t len = 0;
    fault_redact(text);
    for (; *text && len + 1 < size; text++)
        out[len++] = *text > 0x20 && *text < 0x7f ? *text : '?';
    out[len] = '\0';
}

/* The members in the order that the service names them; each may be NULL. They are changed. */
static bool fill(struct fault *out, char *code, char *request_id, char *message)
{
    if (!code || !*code)
        return false;
    put_ascii(out->code, sizeof out->code, code);
    if (request_id)
        put_ascii(out->request_id, sizeof out->request_id, request_id);
    if (message)
        put_line(out->message, sizeof out->message, message);
    return true;
}

/* JSON. */

/* cJSON recurses; so deep no answer of the service is. */
static bool is_too_deep(const char *json)
{
    unsigned depth = 0;
    bool quoted = false;
    for (const char *c = json; *c; c++) {
        if (quoted && *c == '\\' && c[1])
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (*c == '{' || *c == '[') && ++depth > DEPTH_MAX)
            return true;
        else if (!quoted && (*c == '}' || *c == ']') && depth > 0)
            depth--;
    }
    return false;
}

/* The text of a member whose name may begin with a small letter too, or NULL. */
static char *json_text(const cJSON *root, const char *name)
{
    char small[32];
    snprintf(small, sizeof small, "%s", name);
    small[0] = (char)(small[0] - 'A' + 'a');
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    if (!item)
        item = cJSON_GetObjectItemCaseSensitive(root, small);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static bool has_data(const cJSON *root)
{
    return cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "MediaProducingJob")) ||
           cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(root, "MediaProducingJobList"));
}

/* The terminated copy matters: some releases of cJSON read past the length they are given. */
static bool parse_json(const char *json, struct fault *out)
{
    /* Data has no Code, mostly; then there is nothing to parse. */
    if (!strstr(json, "\"Code\"") && !strstr(json, "\"code\""))
        return false;
    cJSON *root = is_too_deep(json) ? NULL : cJSON_Parse(json);
    bool found = cJSON_IsObject(root) && !has_data(root) &&
                 fill(out, json_text(root, "Code"), json_text(root, "RequestId"),
                      json_text(root, "Message"));
    cJSON_Delete(root);
    return found;
}

/* XML: not a parser, a scanner for three elements without children. */

/* The character behind &...; at the head of the text and the length of that, or 0. Only ASCII has
 * need of it here. */
static size_t match_entity(const char *text, char *out)
{
    static const struct {
        const char *name;
        char c;
    } named[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++)
        if (strncmp(text, named[i].name, strlen(named[i].name)) == 0) {
            *out = named[i].c;
            return strlen(named[i].name);
        }
    bool hex = strncmp(text, "&#x", 3) == 0;
    if (strncmp(text, "&#", 2) != 0)
        return 0;
    char *end;
    unsigned long v = strtoul(text + (hex ? 3 : 2), &end, hex ? 16 : 10);
    if (*end != ';' || v == 0 || v > 0x7e)
        return 0;
    *out = (char)v;
    return (size_t)(end - text) + 1;
}

static void decode_entities(char *text)
{
    char *out = text;
    while (*text) {
        size_t n = match_entity(text, out);
        if (n == 0)
            *out = *text;
        out++;
        text += n ? n : 1;
    }
    *out = '\0';
}

/* What stands behind the start tag <name ...>, or NULL. */
static const char *find_content(const char *xml, const char *name)
{
    size_t n = strlen(name);
    for (const char *tag = strchr(xml, '<'); tag; tag = strchr(tag + 1, '<')) {
        if ((tag[1] != name[0] && tag[1] != name[0] - 'A' + 'a') ||
            strncmp(tag + 2, name + 1, n - 1) != 0 || !tag[n + 1] ||
            !strchr("> \t\r\n", tag[n + 1]))
            continue;
        const char *end = strchr(tag, '>');
        return end && end[-1] != '/' ? end + 1 : NULL;
    }
    return NULL;
}

/* The text of the first element of that name; the caller frees it. NULL: none, or cut off. */
static char *xml_text(const char *xml, const char *name)
{
    static const char cdata[] = "<![CDATA[";
    const char *from = find_content(xml, name);
    if (!from)
        return NULL;
    bool raw = strncmp(from, cdata, strlen(cdata)) == 0;
    if (raw)
        from += strlen(cdata);
    const char *end = strstr(from, raw ? "]]>" : "</");
    char *text = end ? strndup(from, (size_t)(end - from)) : NULL;
    if (text && !raw)
        decode_entities(text);
    return text;
}

static bool parse_xml(const char *xml, struct fault *out)
{
    /* <code> is an element of HTML as well. */
    const char *error = strstr(xml, "<Error");
    if (!error)
        error = strstr(xml, "<error");
    if (!error)
        return false;
    CLEANUP_FREE char *code = xml_text(error, "Code");
    CLEANUP_FREE char *request_id = xml_text(error, "RequestId");
    CLEANUP_FREE char *message = xml_text(error, "Message");
    return fill(out, code, request_id, message);
}

bool fault_parse(const char *body, size_t len, struct fault *out)
{
    static const char bom[] = "\xef\xbb\xbf";
    *out = (struct fault){.code = ""};
    if (len == 0 || len > BODY_MAX)
        return false;
    CLEANUP_FREE char *copy = strndup(body, len);
    if (!copy)
        return false;
    const char *text = copy + (strncmp(copy, bom, 3) == 0 ? 3 : 0);
    text += strspn(text, " \t\r\n");
    return *text == '{' ? parse_json(text, out) : *text == '<' && parse_xml(text, out);
}
