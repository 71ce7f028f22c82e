#define _POSIX_C_SOURCE 200809L

#include "json.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values within values. */
#define DEPTH_MAX 32
#define NUMBER_BYTES 64

static char *skip_space(char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
        at++;
    return at;
}

/* Behind the string that begins here; NULL where it has no end. */
static char *skip_string(char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"')
            return at + 1;
        if (*at == '\\')
            at++;
    }
    return NULL;
}

static char *skip_value(char *at, const char *end, int depth);

/* Behind the members or elements that begin here. */
static char *skip_all(char *at, const char *end, int depth)
{
    const char closing = *at == '{' ? '}' : ']';
    at = skip_space(at + 1, end);
    if (at < end && *at == closing)
        return at + 1;
    while (at < end) {
        if (closing == '}') {
            if (*at != '"' || !(at = skip_string(at, end)))
                return NULL;
            at = skip_space(at, end);
            if (at == end || *at != ':')
                return NULL;
            at = skip_space(at + 1, end);
        }
        if (!(at = skip_value(at, end, depth + 1)))
            return NULL;
        at = skip_space(at, end);
        if (at == end)
            return NULL;
        if (*at == closing)
            return at + 1;
        if (*at != ',')
            return NULL;
        at = skip_space(at + 1, end);
    }
    return NULL;
}

/* Behind the value that begins here; NULL where it is none. */
static char *skip_value(char *at, const char *end, int depth)
{
    char *from = at;
    if (at == end || depth > DEPTH_MAX)
        return NULL;
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_all(at, end, depth);
    while (at < end && *at != '\0' && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", *at))
        at++;
    return at == from ? NULL : at;
}

int oort_json_value(char *text, size_t bytes, oort_span *value)
{
    char *end = text + bytes;
    value->at = skip_space(text, end);
    value->end = skip_value(value->at, end, 0);
    return value->end && skip_space(value->end, end) == end;
}

static int is_word(oort_span value, const char *word)
{
    size_t bytes = (size_t)(value.end - value.at);
    return bytes == strlen(word) && memcmp(value.at, word, bytes) == 0;
}

int oort_json_member(oort_span object, const char *name, oort_span *value)
{
    char *at = object.at;
    const char *end = object.end;
    if (at == end || *at != '{')
        return 0;
    at = skip_space(at + 1, end);
    while (at < end && *at == '"') {
        oort_span key = {at + 1, NULL};
        at = skip_string(at, end);
        if (!at)
            return 0;
        key.end = at - 1;
        at = skip_space(at, end);
        if (at == end || *at != ':')
            return 0;
        value->at = skip_space(at + 1, end);
        value->end = skip_value(value->at, end, 0);
        if (!value->end)
            return 0;
        if (is_word(key, name))
            return !is_word(*value, "null");
        at = skip_space(value->end, end);
        if (at == end || *at != ',')
            return 0;
        at = skip_space(at + 1, end);
    }
    return 0;
}

int oort_json_elements(oort_span array, oort_span *rest)
{
    if (array.at == array.end || *array.at != '[')
        return 0;
    rest->at = array.at + 1;
    rest->end = array.end - 1;
    return 1;
}

int oort_json_next(oort_span *rest, oort_span *element)
{
    char *at = skip_space(rest->at, rest->end);
    element->at = at;
    element->end = skip_value(at, rest->end, 0);
    if (!element->end)
        return 0;
    at = skip_space(element->end, rest->end);
    rest->at = at < rest->end && *at == ',' ? at + 1 : at;
    return 1;
}

int oort_json_is_true(oort_span value)
{
    return is_word(value, "true");
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* The number of four hexadecimal digits; below zero where they are none. */
static long hex_number(const char *at, const char *end)
{
    long number = 0;
    if (end - at < 4)
        return -1;
    for (int place = 0; place < 4; place++) {
        int digit = hex_digit(at[place]);
        if (digit < 0)
            return -1;
        number = number * 16 + digit;
    }
    return number;
}

/* In UTF-8: how many octets. */
static size_t encode(unsigned long point, char octets[4])
{
    if (point < 0x80) {
        octets[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        octets[0] = (char)(0xC0 | point >> 6);
        octets[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        octets[0] = (char)(0xE0 | point >> 12);
        octets[1] = (char)(0x80 | (point >> 6 & 0x3F));
        octets[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    octets[0] = (char)(0xF0 | point >> 18);
    octets[1] = (char)(0x80 | (point >> 12 & 0x3F));
    octets[2] = (char)(0x80 | (point >> 6 & 0x3F));
    octets[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

/* What is written behind `\u`; moves behind it. 0 where it is nothing, or the end of a text. */
static unsigned long unicode(const char **at, const char *end)
{
    long point = hex_number(*at, end);
    long low;
    if (point <= 0)
        return 0;
    *at += 4;
    if (point < 0xD800 || point > 0xDFFF)
        return (unsigned long)point;
    if (point > 0xDBFF || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u')
        return 0;
    low = hex_number(*at + 2, end);
    if (low < 0xDC00 || low > 0xDFFF)
        return 0;
    *at += 6;
    return 0x10000UL + (((unsigned long)point - 0xD800UL) << 10) + ((unsigned long)low - 0xDC00UL);
}

/* The next of a string, unescaped; moves behind it. 0 where it is nothing. */
static size_t next_octets(const char **at, const char *end, char octets[4])
{
    static const char escaped[] = "\"\\/bfnrt";
    static const char plain[] = "\"\\/\b\f\n\r\t";
    const char *found;
    unsigned long point;
    octets[0] = *(*at)++;
    if (octets[0] != '\\')
        return octets[0] == '\0' ? 0 : 1;
    if (*at == end || **at == '\0')
        return 0;
    if (**at != 'u') {
        found = strchr(escaped, *(*at)++);
        if (!found)
            return 0;
        octets[0] = plain[found - escaped];
        return 1;
    }
    ++*at;
    point = unicode(at, end);
    return point ? encode(point, octets) : 0;
}

/* Unescapes; `text` may be where the string begins, since it never gets longer. */
static int unescape(oort_span value, char *text, size_t bytes)
{
    const char *at = value.at + 1;
    const char *end = value.end - 1;
    size_t used = 0;
    if (value.end - value.at < 2 || *value.at != '"')
        return 0;
    while (at < end) {
        char octets[4];
        size_t count = next_octets(&at, end, octets);
        if (count == 0 || count >= bytes - used)
            return 0;
        memcpy(text + used, octets, count);
        used += count;
    }
    if (used >= bytes)
        return 0;
    text[used] = '\0';
    return 1;
}

int oort_json_string(oort_span value, char *text, size_t bytes)
{
    return unescape(value, text, bytes);
}

const char *oort_json_take_string(oort_span value)
{
    size_t bytes = (size_t)(value.end - value.at);
    return unescape(value, value.at, bytes) ? value.at : NULL;
}

/* A number that ends with 0. */
static int copy_number(oort_span value, char text[NUMBER_BYTES])
{
    size_t bytes = (size_t)(value.end - value.at);
    if (bytes == 0 || bytes >= NUMBER_BYTES || !strchr("-0123456789", *value.at))
        return 0;
    memcpy(text, value.at, bytes);
    text[bytes] = '\0';
    return 1;
}

int oort_json_integer(oort_span value, int64_t *number)
{
    char text[NUMBER_BYTES];
    char *end;
    if (!copy_number(value, text))
        return 0;
    *number = strtoll(text, &end, 10);
    return *end == '\0';
}

/* How the program's locale writes the point of a number. */
static char decimal_point(void)
{
    const struct lconv *conventions = localeconv();
    return conventions && conventions->decimal_point[0] ? conventions->decimal_point[0] : '.';
}

int oort_json_double(oort_span value, double *number)
{
    char text[NUMBER_BYTES];
    char *point;
    char *end;
    if (!copy_number(value, text))
        return 0;
    point = strchr(text, '.');
    if (point)
        *point = decimal_point();
    *number = strtod(text, &end);
    return *end == '\0';
}

/* One of the text fields of an object, in a place of its own. */
int oort_json_text_of(oort_span object, const char *name, char *text, size_t bytes)
{
    oort_span value;
    text[0] = '\0';
    return oort_json_member(object, name, &value) && oort_json_string(value, text, bytes);
}

int oort_json_integer_of(oort_span object, const char *name, int64_t *number)
{
    oort_span value;
    *number = 0;
    return oort_json_member(object, name, &value) && oort_json_integer(value, number);
}

int oort_json_double_of(oort_span object, const char *name, double *number)
{
    oort_span value;
    *number = 0;
    return oort_json_member(object, name, &value) && oort_json_double(value, number);
}

/* Of a text that was found; the other one where it was not. */
const char *oort_json_taken(int is_found, oort_span value, const char *other)
{
    const char *text = is_found ? oort_json_take_string(value) : NULL;
    return text ? text : other;
}

static void put_octets(oort_text *text, const char *octets, size_t bytes)
{
    /* One is for the 0 at the end. */
    if (text->is_full || (size_t)(text->end - text->at) <= bytes) {
        text->is_full = 1;
        return;
    }
    memcpy(text->at, octets, bytes);
    text->at += bytes;
}

void oort_put(oort_text *text, const char *octets)
{
    put_octets(text, octets, strlen(octets));
}

void oort_put_integer(oort_text *text, int64_t number)
{
    char written[NUMBER_BYTES];
    snprintf(written, sizeof written, "%" PRId64, number);
    oort_put(text, written);
}

void oort_put_double(oort_text *text, double number)
{
    char written[NUMBER_BYTES];
    char *point;
    snprintf(written, sizeof written, "%.17g", number);
    point = strchr(written, decimal_point());
    if (point)
        *point = '.';
    oort_put(text, written);
}

void oort_put_string(oort_text *text, const char *octets)
{
    oort_put(text, "\"");
    for (; *octets; octets++) {
        unsigned char octet = (unsigned char)*octets;
        if (octet == '"' || octet == '\\') {
            oort_put(text, "\\");
            put_octets(text, octets, 1);
        } else if (octet < 0x20) {
            char written[8];
            snprintf(written, sizeof written, "\\u%04x", (unsigned)octet);
            oort_put(text, written);
        } else {
            put_octets(text, octets, 1);
        }
    }
    oort_put(text, "\"");
}

void oort_put_url(oort_text *text, const char *octets)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_.~";
    for (; *octets; octets++) {
        if (strchr(plain, *octets)) {
            put_octets(text, octets, 1);
        } else {
            char written[8];
            snprintf(written, sizeof written, "%%%02X", (unsigned)(unsigned char)*octets);
            oort_put(text, written);
        }
    }
}

int oort_end(oort_text *text)
{
    /* A buffer of none would have no place for it. */
    if (text->at == text->end)
        return 0;
    *text->at = '\0';
    return !text->is_full;
}
