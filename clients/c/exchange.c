#define _POSIX_C_SOURCE 200809L

#include "exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEAD_BYTES 4096
#define PORT_BYTES 8
#define TRY_PAUSE_MS 50

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

/* A try to ask. */
typedef struct {
    oort_agent *agent;
    int socket;
    int64_t until;       /* oort_clock_ms */
    int is_heard;        /* there was a connection */
    int may_be_later;    /* it is refused for now */
} attempt;

int64_t oort_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void oort_sleep_ms(int64_t duration)
{
    struct timespec left = {(time_t)(duration / 1000), (long)(duration % 1000) * 1000000};
    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

oort_result oort_fail(oort_agent *agent, oort_result result, const char *why)
{
    snprintf(agent->message, sizeof agent->message, "%s", why);
    return result;
}

static oort_result fail_by_system(oort_agent *agent, int error, const char *what)
{
    agent->system_error = error;
    snprintf(agent->message, sizeof agent->message, "the agent does not answer at %s:%u: %s: %s",
             agent->host, (unsigned)agent->port, what, strerror(error));
    return OORT_NO_AGENT;
}

/* Waits until the socket is ready. */
static int wait_for(const attempt *try, short events)
{
    for (;;) {
        struct pollfd one = {try->socket, events, 0};
        int64_t left = try->until - oort_clock_ms();
        int ready;
        if (left <= 0) {
            errno = ETIMEDOUT;
            return 0;
        }
        ready = poll(&one, 1, left > INT_MAX ? INT_MAX : (int)left);
        if (ready > 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return 0;
    }
}

/* A socket that does not block, on its way to the address; -1 and errno. */
static int begin_connection(const struct addrinfo *address)
{
    int flags;
    int number = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (number < 0)
        return -1;
    flags = fcntl(number, F_GETFL);
    if (flags >= 0 && fcntl(number, F_SETFL, flags | O_NONBLOCK) >= 0
        && fcntl(number, F_SETFD, FD_CLOEXEC) >= 0
        && (connect(number, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS
            || errno == EINTR))
        return number;
    flags = errno;
    close(number);
    errno = flags;
    return -1;
}

static int connect_to(attempt *try, const struct addrinfo *address)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    try->socket = begin_connection(address);
    if (try->socket < 0)
        return 0;
    if (wait_for(try, POLLOUT)
        && getsockopt(try->socket, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error == 0)
        return 1;
    error = error ? error : errno;
    close(try->socket);
    try->socket = -1;
    errno = error;
    return 0;
}

static oort_result open_connection(attempt *try)
{
    char port[PORT_BYTES];
    struct addrinfo wanted;
    struct addrinfo *addresses = NULL;
    int error;
    memset(&wanted, 0, sizeof wanted);
    wanted.ai_socktype = SOCK_STREAM;
    snprintf(port, sizeof port, "%u", (unsigned)try->agent->port);
    error = getaddrinfo(try->agent->host, port, &wanted, &addresses);
    if (error != 0)
        return oort_fail(try->agent, OORT_NO_AGENT, gai_strerror(error));
    for (struct addrinfo *each = addresses; each && try->socket < 0; each = each->ai_next)
        connect_to(try, each);
    error = errno;
    freeaddrinfo(addresses);
    if (try->socket < 0)
        return fail_by_system(try->agent, error, "no connection");
    try->is_heard = 1;
    return OORT_OK;
}

/* Sends all of it. An agent that refuses early does not read on: that is no failure yet. */
static oort_result send_all(const attempt *try, const void *octets, size_t bytes)
{
    const char *at = octets;
    while (bytes > 0) {
        ssize_t sent = send(try->socket, at, bytes, MSG_NOSIGNAL);
        if (sent >= 0) {
            at += sent;
            bytes -= (size_t)sent;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return OORT_OK;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(try, POLLOUT))
                return fail_by_system(try->agent, errno, "the request is not taken");
        } else if (errno != EINTR) {
            return fail_by_system(try->agent, errno, "the request is not sent");
        }
    }
    return OORT_OK;
}

static oort_result send_request(const attempt *try, const oort_request *request)
{
    const oort_agent *agent = try->agent;
    char octets[HEAD_BYTES];
    oort_text head = {octets, octets + sizeof octets, 0};
    oort_result result;
    /* By version 1.0, the answer comes in one piece and ends with the connection. */
    oort_put(&head, request->method);
    oort_put(&head, " ");
    oort_put(&head, request->path);
    oort_put(&head, " HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n");
    if (agent->token) {
        oort_put(&head, "Authorization: Bearer ");
        oort_put(&head, agent->token);
        oort_put(&head, "\r\n");
    }
    if (request->key) {
        oort_put(&head, "Idempotency-Key: ");
        oort_put(&head, request->key);
        oort_put(&head, "\r\n");
    }
    if (request->kind) {
        oort_put(&head, "Content-Type: ");
        oort_put(&head, request->kind);
        oort_put(&head, "\r\nContent-Length: ");
        oort_put_integer(&head, (int64_t)request->body_bytes);
        oort_put(&head, "\r\n");
    }
    oort_put(&head, "\r\n");
    if (!oort_end(&head))
        return oort_fail(try->agent, OORT_TOO_LONG, "the head of the request is too long");
    result = send_all(try, octets, (size_t)(head.at - octets));
    return result == OORT_OK ? send_all(try, request->body, request->body_bytes) : result;
}

/* Reads until the connection ends. There is a 0 behind it. */
static oort_result read_answer(const attempt *try, size_t *bytes)
{
    oort_agent *agent = try->agent;
    *bytes = 0;
    for (;;) {
        ssize_t count;
        if (*bytes + 1 >= agent->buffer_bytes)
            return oort_fail(agent, OORT_TOO_LONG, "the answer is longer than the buffer");
        count = recv(try->socket, agent->buffer + *bytes, agent->buffer_bytes - 1 - *bytes, 0);
        if (count > 0) {
            *bytes += (size_t)count;
        } else if (count == 0) {
            agent->buffer[*bytes] = '\0';
            return OORT_OK;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(try, POLLIN))
                return fail_by_system(agent, errno, "no answer");
        } else if (errno != EINTR) {
            return fail_by_system(agent, errno, "no answer");
        }
    }
}

/* The value of a header; NULL where it is not there. */
static const char *header(const char *head, const char *name)
{
    size_t bytes = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, bytes) == 0 && line[bytes] == ':') {
            line += bytes + 1;
            return line + strspn(line, " \t");
        }
    }
    return NULL;
}

/* Why it is refused, of its answer. */
static oort_result refuse(oort_agent *agent, oort_span answer)
{
    oort_span message;
    const char *why = "the agent refused and did not say why";
    if (oort_json_member(answer, "message", &message)) {
        const char *said = oort_json_take_string(message);
        agent->answer = said ? said : "";
        why = said ? said : "the agent refused; why is not to be read";
    }
    return oort_fail(agent, OORT_REFUSED, why);
}

static oort_result understand(attempt *try, size_t bytes, oort_span *answer)
{
    oort_agent *agent = try->agent;
    char *body = strstr(agent->buffer, "\r\n\r\n");
    const char *length;
    const char *kind;
    if (!body || strncmp(agent->buffer, "HTTP/1.", 7) != 0 || agent->buffer[8] != ' ') {
        if (bytes == 0)
            return fail_by_system(agent, ECONNRESET, "no answer");
        return oort_fail(agent, OORT_NO_ANSWER, "what came is no answer of HTTP");
    }
    body[2] = '\0';
    body += 4;
    agent->status = atoi(agent->buffer + 9);
    bytes -= (size_t)(body - agent->buffer);
    length = header(agent->buffer, "content-length");
    if (length && strtoull(length, NULL, 10) != bytes)
        return fail_by_system(agent, ECONNRESET, "the answer breaks off");
    kind = header(agent->buffer, "content-type");
    if (!kind || strncmp(kind, "application/json", 16) != 0
        || !oort_json_value(body, bytes, answer))
        return oort_fail(agent, OORT_NO_ANSWER, "the answer is no JSON");
    agent->answer = body;
    if (agent->status >= 200 && agent->status < 300)
        return OORT_OK;
    try->may_be_later = header(agent->buffer, "retry-after") != NULL;
    return refuse(agent, *answer);
}

static oort_result ask_once(attempt *try, const oort_request *request, oort_span *answer)
{
    size_t bytes = 0;
    oort_result result = open_connection(try);
    if (result == OORT_OK)
        result = send_request(try, request);
    if (result == OORT_OK)
        result = read_answer(try, &bytes);
    if (result == OORT_OK)
        result = understand(try, bytes, answer);
    if (try->socket >= 0)
        close(try->socket);
    return result;
}

oort_result oort_exchange(oort_agent *agent, const oort_request *request, oort_span *answer)
{
    const int64_t until = oort_clock_ms() + agent->patience_ms;
    const int timeout_ms = request->is_of_file ? agent->file_timeout_ms : agent->timeout_ms;
    if (!agent->buffer || agent->buffer_bytes < OORT_BUFFER_BYTES_MIN || !agent->host)
        return oort_fail(agent, OORT_BAD_ARGUMENT, "the agent has no buffer, or no host");
    for (;;) {
        attempt try = {agent, -1, oort_clock_ms() + timeout_ms, 0, 0};
        oort_result result;
        agent->status = 0;
        agent->system_error = 0;
        agent->answer = "";
        agent->message[0] = '\0';
        result = ask_once(&try, request, answer);
        if (oort_clock_ms() >= until || !(result == OORT_NO_AGENT || try.may_be_later))
            return result;
        if (result == OORT_NO_AGENT && try.is_heard && request->once)
            return result;
        oort_sleep_ms(TRY_PAUSE_MS);
    }
}

oort_result oort_bad_argument(oort_agent *agent, const char *which)
{
    return oort_fail(agent, OORT_BAD_ARGUMENT, which);
}

oort_result oort_too_long(oort_agent *agent)
{
    return oort_fail(agent, OORT_TOO_LONG, "the request is longer than the agent takes");
}

oort_result oort_no_answer(oort_agent *agent)
{
    return oort_fail(agent, OORT_NO_ANSWER, "the answer has not what it is to have");
}

oort_result oort_get(oort_agent *agent, const char *path, oort_span *answer)
{
    oort_request request;
    memset(&request, 0, sizeof request);
    request.method = "GET";
    request.path = path;
    return oort_exchange(agent, &request, answer);
}

/* Posts a text of JSON. */
oort_result oort_post(oort_agent *agent, oort_request *request, const char *path,
                        oort_text *body, const char *octets, oort_span *answer)
{
    if (!oort_end(body))
        return oort_too_long(agent);
    request->method = "POST";
    request->path = path;
    request->kind = "application/json";
    request->body = octets;
    request->body_bytes = (size_t)(body->at - octets);
    return oort_exchange(agent, request, answer);
}
