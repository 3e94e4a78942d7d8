/* The claims of hiredis: program host port [password] */
#include <hiredis/hiredis.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *host, *password;
static int port;
static redisContext *r;
static char failure[1024]; /* of the claim at hand: the first one */

#define FAIL(...) (*failure ? 0 : snprintf(failure, sizeof failure, __VA_ARGS__))

static redisContext *dial(void) {
    struct timeval timeout = {10, 0};
    redisContext *c = redisConnectWithTimeout(host, port, timeout);
    if (c == NULL || c->err) {
        printf("cannot connect: %s\n", c ? c->errstr : "no memory");
        exit(1);
    }
    redisSetTimeout(c, timeout);
    return c;
}

/* render writes a reply as "OK", "(1)", "nil" or "[a b]". */
static void render(const redisReply *reply, char *text, size_t size) {
    size_t n = 0;
    switch (reply->type) {
    case REDIS_REPLY_INTEGER: snprintf(text, size, "(%lld)", reply->integer); break;
    case REDIS_REPLY_NIL: snprintf(text, size, "nil"); break;
    case REDIS_REPLY_ARRAY:
        n += snprintf(text, size, "[");
        for (size_t i = 0; i < reply->elements && n + 2 < size; i++) {
            if (i > 0) text[n++] = ' ';
            render(reply->element[i], text + n, size - n);
            n += strlen(text + n);
        }
        snprintf(text + n, size - n, "]");
        break;
    default: snprintf(text, size, "%s", reply->str);
    }
}

/* check compares and frees a reply; a want that ends in "..." is its beginning. */
static void check(redisContext *c, redisReply *reply, int type, const char *want) {
    if (reply == NULL) {
        FAIL("connection: %s", c->errstr);
        return;
    }
    char got[512];
    render(reply, got, sizeof got);
    size_t n = strlen(want);
    int same = n > 3 && !strcmp(want + n - 3, "...") ? !strncmp(got, want, n - 3) : !strcmp(got, want);
    if (!same || reply->type != type) FAIL("got %s of type %d, want %s of type %d", got, reply->type, want, type);
    freeReplyObject(reply);
}

static void is(redisContext *c, int type, const char *want, const char *command, ...) {
    va_list args;
    va_start(args, command);
    check(c, redisvCommand(c, command, args), type, want);
    va_end(args);
}

/* text is the reply as a string to search in, until the next call. */
static const char *text(redisContext *c, const char *command, ...) {
    static char kept[1 << 16];
    va_list args;
    va_start(args, command);
    redisReply *reply = redisvCommand(c, command, args);
    va_end(args);
    *kept = 0;
    if (reply != NULL) render(reply, kept, sizeof kept);
    freeReplyObject(reply);
    return kept;
}

#define STATUS REDIS_REPLY_STATUS
#define STRING REDIS_REPLY_STRING
#define INTEGER REDIS_REPLY_INTEGER
#define ERROR REDIS_REPLY_ERROR
#define NIL REDIS_REPLY_NIL
#define ARRAY REDIS_REPLY_ARRAY

static void connects(void) { is(r, STATUS, "PONG", "PING"); }

static void commands(void) {
    is(r, STATUS, "OK", "SET k %b EX 100", "v\r\n", (size_t)3);
    is(r, STRING, "v\r\n", "GET k");
    is(r, NIL, "nil", "GET missing");
    is(r, INTEGER, "(1)", "INCR n");
    is(r, INTEGER, "(1)", "EXPIRE n 100");
    is(r, ARRAY, "[1 nil]", "MGET n missing");
    is(r, INTEGER, "(2)", "DEL k n");
}

static void errors(void) {
    is(r, STATUS, "OK", "SET text abc");
    is(r, ERROR, "ERR value is not an integer or out of range", "INCR text");
    is(r, ERROR, "ERR wrong number of arguments for 'get' command", "GET");
    is(r, ERROR, "ERR unknown command 'NOSUCH'...", "NOSUCH");
}

static void oom(void) {
    is(r, STATUS, "OK", "SET some 0123456789012345678901234567890123456789");
    is(r, STATUS, "OK", "CONFIG SET maxmemory 1");
    is(r, ERROR, "OOM command not allowed when used memory > 'maxmemory'.", "SET more x");
    is(r, STATUS, "OK", "CONFIG SET maxmemory 0");
}

static void pipeline(void) {
    redisReply *reply = NULL;
    char want[32];
    for (int i = 0; i < 1000; i++) redisAppendCommand(r, "INCR p");
    for (int i = 1; i <= 1000; i++) {
        snprintf(want, sizeof want, "(%d)", i);
        check(r, redisGetReply(r, (void **)&reply) == REDIS_OK ? reply : NULL, INTEGER, want);
    }
}

static void transaction(void) {
    is(r, STATUS, "OK", "MULTI");
    is(r, STATUS, "QUEUED", "SET t 1");
    is(r, STATUS, "QUEUED", "INCR t");
    is(r, STATUS, "QUEUED", "MGET t missing");
    is(r, ARRAY, "[OK (2) [2 nil]]", "EXEC");
    is(r, STATUS, "OK", "MULTI");
    is(r, ERROR, "ERR unknown command...", "NOSUCH");
    is(r, ERROR, "EXECABORT Transaction discarded because of previous errors.", "EXEC");
}

static void watch(void) {
    redisContext *other = dial();
    for (int try = 0; try < 2; try++) {
        is(r, STATUS, "OK", "WATCH w");
        if (try == 0) is(other, STATUS, "OK", "SET w 10"); /* the conflict */
        is(r, STATUS, "OK", "MULTI");
        is(r, STATUS, "QUEUED", "INCR w");
        is(r, try == 0 ? NIL : ARRAY, try == 0 ? "nil" : "[(11)]", "EXEC");
    }
    redisFree(other);
}

static void discard(void) {
    is(r, STATUS, "OK", "MULTI");
    is(r, STATUS, "QUEUED", "SET d 1");
    is(r, STATUS, "OK", "DISCARD");
    is(r, NIL, "nil", "GET d");
}

/* reconnects: hiredis leaves it to its user, and helps. */
static void reconnects(redisContext *c) {
    redisReply *reply = redisCommand(c, "PING");
    if (reply != NULL || c->err == 0) FAIL("the connection is alive");
    freeReplyObject(reply);
    if (redisReconnect(c) != REDIS_OK) FAIL("reconnect: %s", c->errstr);
    is(c, STATUS, "PONG", "PING");
}

static void killed(void) {
    redisContext *c = dial();
    redisReply *id = redisCommand(c, "CLIENT ID");
    is(r, INTEGER, "(1)", "CLIENT KILL ID %lld", id->integer);
    freeReplyObject(id);
    reconnects(c);
    redisFree(c);
}

static void restarted(void) {
    char line[16];
    puts("restart");
    if (fgets(line, sizeof line, stdin) == NULL) FAIL("no restart");
    reconnects(r);
}

static void name(void) {
    redisContext *c = dial();
    is(c, STATUS, "OK", "CLIENT SETNAME named");
    is(c, STRING, "named", "CLIENT GETNAME");
    if (strstr(text(r, "CLIENT LIST"), " name=named ") == NULL) FAIL("not in CLIENT LIST");
    redisFree(c);
}

static void scan(void) {
    char cursor[32] = "0";
    int found = 0;
    is(r, STATUS, "OK", "FLUSHALL");
    for (int i = 0; i < 100; i++) is(r, STATUS, "OK", "SET scan:%d %d", i, i);
    do {
        redisReply *page = redisCommand(r, "SCAN %s MATCH scan:* COUNT 7", cursor);
        if (page == NULL || page->type != ARRAY || page->elements != 2) {
            FAIL("no page");
            break;
        }
        snprintf(cursor, sizeof cursor, "%s", page->element[0]->str);
        found += (int)page->element[1]->elements;
        freeReplyObject(page);
    } while (strcmp(cursor, "0"));
    if (found != 100) FAIL("%d keys", found);
}

static void info(void) {
    is(r, STATUS, "OK", "SET some 1");
    if (strstr(text(r, "INFO clients"), "\r\nconnected_clients:") == NULL) FAIL("no connected_clients");
    if (strstr(text(r, "INFO keyspace"), "\r\ndb0:keys=") == NULL) FAIL("no db0");
}

static void config(void) { is(r, ARRAY, "[maxmemory 0]", "CONFIG GET maxmemory"); }

static void slowlog(void) {
    is(r, STATUS, "OK", "CONFIG SET slowlog-log-slower-than 0");
    is(r, STATUS, "OK", "SET slow log");
    is(r, STATUS, "OK", "CONFIG SET slowlog-log-slower-than 10000");
    if (strstr(text(r, "SLOWLOG GET"), "[SET slow log]") == NULL) FAIL("SLOWLOG has %s", text(r, "SLOWLOG GET"));
    is(r, STATUS, "OK", "SLOWLOG RESET");
}

static void *increments(void *unused) {
    redisContext *c = dial();
    for (int i = 0; i < 100; i++) freeReplyObject(redisCommand(c, "INCR pool"));
    redisFree(c);
    return unused;
}

static void pool(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, increments, NULL);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    is(r, STRING, "800", "GET pool");
}

static void noauth(void) {
    redisContext *c = dial();
    is(c, ERROR, "NOAUTH Authentication required.", "GET k");
    is(c, ERROR, "WRONGPASS invalid username-password pair or user is disabled.", "AUTH wrong");
    redisFree(c);
}

static void login(void) {
    is(r, STATUS, "OK", "AUTH %s", password);
    is(r, STATUS, "OK", "SET k 1");
}

static void user(void) {
    redisContext *alice = dial();
    is(r, STATUS, "OK", "ACL SETUSER alice on >word ~a* +set");
    is(alice, STATUS, "OK", "AUTH alice word");
    is(alice, STATUS, "OK", "SET a1 x");
    is(alice, ERROR, "NOPERM this user has no permissions to access one of the keys...", "SET b1 x");
    is(alice, ERROR, "NOPERM this user has no permissions to run the 'get' command...", "GET a1");
    is(r, INTEGER, "(1)", "ACL DELUSER alice");
    redisFree(alice);
}

int main(int argc, char **argv) {
    static const struct { const char *name; void (*run)(void); int locked; } claims[] = {
        {"connects", connects, 0}, {"commands", commands, 0}, {"errors", errors, 0}, {"oom", oom, 0},
        {"pipeline", pipeline, 0}, {"transaction", transaction, 0}, {"watch", watch, 0}, {"discard", discard, 0},
        {"killed", killed, 0}, {"restarted", restarted, 0}, {"name", name, 0}, {"scan", scan, 0}, {"info", info, 0},
        {"config", config, 0}, {"slowlog", slowlog, 0}, {"pool", pool, 0},
        {"noauth", noauth, 1}, {"password", login, 1}, {"user", user, 1},
    };
    if (argc < 3) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    host = argv[1];
    port = atoi(argv[2]);
    password = argc > 3 ? argv[3] : NULL;
    r = dial();
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        if (claims[i].locked != (password != NULL)) continue;
        *failure = 0;
        claims[i].run();
        if (*failure) printf("FAIL %s: %s\n", claims[i].name, failure);
        else printf("ok %s\n", claims[i].name);
    }
    redisFree(r);
    return 0;
}
