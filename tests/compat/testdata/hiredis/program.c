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
static char why[1024]; /* what is wrong with the claim at hand; empty: nothing */

static redisContext *dial(void) {
    redisContext *c = redisConnect(host, port);
    if (c == NULL || c->err) {
        printf("FAIL connects: %s\n", c ? c->errstr : "no memory");
        exit(1);
    }
    struct timeval patience = {10, 0};
    redisSetTimeout(c, patience);
    return c;
}

/* show writes a reply as text: integers as :1, nil as -, errors with !, arrays in brackets. */
static void show(redisReply *reply, char *out, size_t size) {
    size_t used;
    if (reply == NULL) {
        snprintf(out, size, "lost");
        return;
    }
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        snprintf(out, size, ":%lld", reply->integer);
        return;
    case REDIS_REPLY_NIL:
        snprintf(out, size, "-");
        return;
    case REDIS_REPLY_ERROR:
        snprintf(out, size, "!%s", reply->str);
        return;
    case REDIS_REPLY_ARRAY:
        snprintf(out, size, "[");
        for (size_t i = 0; i < reply->elements; i++) {
            if (i > 0) strncat(out, " ", size - strlen(out) - 1);
            used = strlen(out);
            show(reply->element[i], out + used, size - used);
        }
        strncat(out, "]", size - strlen(out) - 1);
        return;
    default:
        snprintf(out, size, "%s", reply->str);
    }
}

/* expect compares the beginning of a reply, and frees it. */
static void expect(redisReply *reply, const char *want) {
    char got[65536];
    show(reply, got, sizeof got);
    if (strncmp(got, want, strlen(want)) != 0 && why[0] == 0) snprintf(why, sizeof why, "%.400s, want %.400s", got, want);
    freeReplyObject(reply);
}

/* ask sends a command and compares the reply. */
static void ask(redisContext *c, const char *want, const char *format, ...) {
    va_list args;
    va_start(args, format);
    expect(redisvCommand(c, format, args), want);
    va_end(args);
}

/* next reads one reply of a pipeline. */
static void next(redisContext *c, const char *want) {
    void *reply = NULL;
    redisGetReply(c, &reply);
    expect(reply, want);
}

static void connects(void) { ask(r, "PONG", "PING"); }

static void commands(void) {
    ask(r, "OK", "SET k v EX 100");
    ask(r, "v", "GET k");
    ask(r, "-", "GET missing");
    ask(r, ":1", "INCR n");
    ask(r, ":6", "INCRBY n 5");
    ask(r, ":5", "DECR n");
    ask(r, ":1", "EXPIRE n 100");
    ask(r, "[v - 5]", "MGET k missing n");
    ask(r, "-", "SET k w NX");
    ask(r, "OK", "SET %b %b", "a\0b", (size_t)3, "\0\xff\r\n", (size_t)4);
    ask(r, ":4", "STRLEN %b", "a\0b", (size_t)3);
    ask(r, ":2", "DEL k n");
}

static void errors(void) {
    ask(r, "OK", "SET text abc");
    ask(r, "!ERR value is not an integer or out of range", "INCR text");
    ask(r, "!ERR wrong number of arguments for 'get' command", "GET");
    ask(r, "!ERR unknown command 'NOSUCH'", "NOSUCH");
}

static void oom(void) {
    ask(r, "OK", "SET some %01000d", 1);
    ask(r, "OK", "CONFIG SET maxmemory 1");
    ask(r, "!OOM command not allowed when used memory > 'maxmemory'.", "SET more x");
    ask(r, "OK", "CONFIG SET maxmemory 0");
}

static void pipeline(void) {
    for (int i = 0; i < 1000; i++) redisAppendCommand(r, "INCR p");
    redisAppendCommand(r, "GET p");
    for (int i = 1; i <= 1000; i++) {
        char want[16];
        snprintf(want, sizeof want, ":%d", i);
        next(r, want);
    }
    next(r, "1000");
}

static void transaction(void) {
    const char *queued[] = {"MULTI", "SET t 1", "INCR t", "GET t", "MGET t missing", "TTL t", "EXEC"};
    for (int i = 0; i < 7; i++) redisAppendCommand(r, queued[i]);
    next(r, "OK");
    for (int i = 0; i < 5; i++) next(r, "QUEUED");
    next(r, "[OK :2 2 [2 -] :-1]");
    ask(r, "OK", "MULTI");
    ask(r, "!ERR unknown command", "NOSUCH");
    ask(r, "!EXECABORT Transaction discarded because of previous errors.", "EXEC");
}

static void watch(void) {
    redisContext *c = dial();
    ask(r, "OK", "SET w 0");
    ask(c, "OK", "WATCH w");
    ask(r, "OK", "SET w 10");
    ask(c, "OK", "MULTI");
    ask(c, "QUEUED", "SET w 1");
    ask(c, "-", "EXEC");
    ask(c, "OK", "WATCH w");
    ask(c, "OK", "MULTI");
    ask(c, "QUEUED", "SET w 11");
    ask(c, "[OK]", "EXEC");
    ask(r, "11", "GET w");
    redisFree(c);
}

static void discard(void) {
    ask(r, "OK", "MULTI");
    ask(r, "QUEUED", "SET d 1");
    ask(r, "OK", "DISCARD");
    ask(r, "-", "GET d");
}

static void killed(void) {
    redisContext *c = dial();
    redisReply *id = redisCommand(c, "CLIENT ID");
    ask(r, ":1", "CLIENT KILL ID %lld", id->integer);
    freeReplyObject(id);
    for (int i = 0; i < 1000 && !c->err; i++) freeReplyObject(redisCommand(c, "PING"));
    if (!c->err) snprintf(why, sizeof why, "it lives");
    if (redisReconnect(c) != REDIS_OK) snprintf(why, sizeof why, "%.200s", c->errstr);
    ask(c, "PONG", "PING");
    redisFree(c);
}

static void restarted(void) {
    char line[64];
    printf("restart\n");
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) snprintf(why, sizeof why, "nobody restarts");
    freeReplyObject(redisCommand(r, "PING"));
    if (redisReconnect(r) != REDIS_OK) snprintf(why, sizeof why, "%.200s", r->errstr);
    ask(r, "PONG", "PING");
}

static void name(void) {
    ask(r, "OK", "CLIENT SETNAME named");
    ask(r, "named", "CLIENT GETNAME");
    redisReply *list = redisCommand(r, "CLIENT LIST");
    if (strstr(list->str, " name=named ") == NULL) snprintf(why, sizeof why, "%.400s", list->str);
    freeReplyObject(list);
}

static void scan(void) {
    int keys = 0;
    char cursor[32] = "0";
    ask(r, "OK", "FLUSHALL");
    for (int i = 0; i < 100; i++) ask(r, "OK", "SET scan:%d 1", i);
    do {
        redisReply *reply = redisCommand(r, "SCAN %s MATCH scan:* COUNT 7", cursor);
        snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        keys += (int)reply->element[1]->elements;
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    if (keys < 100) snprintf(why, sizeof why, "%d keys", keys);
}

static void info(void) { ask(r, "# Server\r\nredis_version:", "INFO server"); }

static void config(void) { ask(r, "[maxmemory 0]", "CONFIG GET maxmemory"); }

static void command(void) {
    ask(r, "[[get :2 [readonly fast] :1 :1 :1 ", "COMMAND INFO get");
    ask(r, "[a b]", "COMMAND GETKEYS MGET a b");
}

static void slowlog(void) {
    ask(r, "OK", "CONFIG SET slowlog-log-slower-than 0");
    ask(r, "OK", "SLOWLOG RESET");
    ask(r, "OK", "CONFIG SET slowlog-log-slower-than 10000");
    ask(r, "[[:", "SLOWLOG GET 1");
    ask(r, "OK", "SLOWLOG RESET");
}

static void *count(void *unused) {
    redisContext *c = dial();
    for (int i = 0; i < 100; i++) freeReplyObject(redisCommand(c, "INCR pool"));
    redisFree(c);
    return unused;
}

static void pool(void) {
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    ask(r, "800", "GET pool");
}

static void noauth(void) {
    ask(r, "!NOAUTH Authentication required.", "GET k");
    ask(r, "!WRONGPASS invalid username-password pair", "AUTH wrong");
}

static void password_(void) {
    ask(r, "OK", "AUTH %s", password);
    ask(r, "OK", "SET k 1");
}

static void user(void) {
    redisContext *c = dial();
    ask(r, "OK", "ACL SETUSER alice on >word ~a* +set");
    ask(c, "OK", "AUTH alice word");
    ask(c, "OK", "SET a1 x");
    ask(c, "!NOPERM ", "SET b1 x");
    ask(c, "!NOPERM ", "GET a1");
    ask(r, ":1", "ACL DELUSER alice");
    redisFree(c);
}

static void claim(const char *text, void (*function)(void)) {
    why[0] = 0;
    function();
    if (why[0] == 0)
        printf("ok %s\n", text);
    else
        printf("FAIL %s: %s\n", text, why);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    host = argv[1];
    port = atoi(argv[2]);
    r = dial();
    if (argc > 3) {
        password = argv[3];
        claim("noauth", noauth);
        claim("password", password_);
        claim("user", user);
        return 0;
    }
    claim("connects", connects);
    claim("commands", commands);
    claim("errors", errors);
    claim("oom", oom);
    claim("pipeline", pipeline);
    claim("transaction", transaction);
    claim("watch", watch);
    claim("discard", discard);
    claim("killed", killed);
    claim("restarted", restarted);
    claim("name", name);
    claim("scan", scan);
    claim("info", info);
    claim("config", config);
    claim("command", command);
    claim("slowlog", slowlog);
    claim("pool", pool);
    return 0;
}
