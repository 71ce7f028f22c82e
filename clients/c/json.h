/* JSON: a reader that allocates nothing, and a writer that stops at the end of its buffer. */
#ifndef HELIOGRAPH_OORT_JSON_H
#define HELIOGRAPH_OORT_JSON_H

#include <stddef.h>
#include <stdint.h>

/* Octets of a text that somebody else has. */
typedef struct {
    char *at;
    char *end;
} oort_span;

/* The one value that a text is; 0 where it is none. */
int oort_json_value(char *text, size_t bytes, oort_span *value);
/* The member of that name; 0 where there is none, or where it is null. */
int oort_json_member(oort_span object, const char *name, oort_span *value);
/* What is in an array, to be gone through by oort_json_next; 0 where it is no array. */
int oort_json_elements(oort_span array, oort_span *rest);
int oort_json_next(oort_span *rest, oort_span *element);

/* Each gives 0 where the value is of another type, or does not fit. */
int oort_json_string(oort_span value, char *text, size_t bytes);
int oort_json_integer(oort_span value, int64_t *number);
int oort_json_double(oort_span value, double *number);
int oort_json_is_true(oort_span value);
/* The string, unescaped where it stands: nothing before its end can be read as JSON any more.
 * NULL where it is no string. */
const char *oort_json_take_string(oort_span value);

/* The same of a member: empty, or zero, where there is none. */
int oort_json_text_of(oort_span object, const char *name, char *text, size_t bytes);
int oort_json_integer_of(oort_span object, const char *name, int64_t *number);
int oort_json_double_of(oort_span object, const char *name, double *number);
/* A string that was found, unescaped where it stands; the other one where it was not. */
const char *oort_json_taken(int is_found, oort_span value, const char *other);

/* A text that grows. Once something did not fit, it is full. */
typedef struct {
    char *at;
    char *end;
    int is_full;
} oort_text;

void oort_put(oort_text *text, const char *octets);
void oort_put_integer(oort_text *text, int64_t number);
void oort_put_double(oort_text *text, double number);
/* In quotes, escaped. */
void oort_put_string(oort_text *text, const char *octets);
/* Escaped as part of a URL. */
void oort_put_url(oort_text *text, const char *octets);
/* Ends it with 0; 0 where it is full. */
int oort_end(oort_text *text);

#endif
