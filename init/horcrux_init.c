/* The first process of a container: starts the app, passes signals on to it, buries orphans, and ends
 * with the app's exit status (128 + n after signal n; 127 and 126 where there is nothing to run).
 * It stands in for Docker's own init, and is called like it: horcrux-init -- COMMAND ARGUMENT...
 *
 * Beyond that, it stops an app late. With HORCRUX_DRAIN (whole seconds) and HORCRUX_DRAIN_PORT in the
 * environment, a stop signal is held back: first until the edges have noticed that the task is out of
 * Docker's DNS, then while connections to that port are open, and never longer than HORCRUX_DRAIN.
 * Without one of the two, or with 0, signals are passed on at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SETTLE 3000 /* ms; Docker changes its DNS before it stops a task, edges follow within 2 s */
#define EVERY 100   /* ms between looks at the connections */
#define LONGEST 86400 /* s; more is a mistake */

/* A connection in these states may have bytes to send: closed by one side is not yet done with. */
#define OPEN (1 << TCP_ESTABLISHED | 1 << TCP_FIN_WAIT1 | 1 << TCP_CLOSE_WAIT | 1 << TCP_LAST_ACK)

struct drain {
    long most; /* ms; 0: signals are passed on at once */
    long port;
    int held; /* the stop signal that waits; 0: none */
    long long until, next; /* when it is passed on at the latest; when to look at the connections */
};

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/* A number of the environment; 0 where there is none, or one that makes no sense, which is said. */
static long setting(const char *name, long most)
{
    const char *text = getenv(name);
    char *end;
    if (!text)
        return 0;
    long value = strtol(text, &end, 10);
    if (*text && !*end && value >= 0 && value <= most)
        return value;
    fprintf(stderr, "horcrux-init: %s is '%s'; set a whole number from 0 to %ld. Until then, "
                    "the app is stopped at once, whoever is connected\n", name, text, most);
    return 0;
}

static struct drain drain_of_environment(void)
{
    long most = setting("HORCRUX_DRAIN", LONGEST) * 1000;
    long port = setting("HORCRUX_DRAIN_PORT", 65535);
    return (struct drain){.most = port ? most : 0, .port = port};
}

/* The signals that images name to be stopped by: HAProxy's is USR1, Apache's WINCH, systemd's RTMIN+3. */
static bool stops(int sig)
{
    return sig == SIGTERM || sig == SIGINT || sig == SIGQUIT || sig == SIGUSR1 || sig == SIGWINCH ||
           sig == SIGRTMIN + 3;
}

/* Whether a table of the kernel has an open connection to a local port. One that cannot be read might. */
static bool has_open(const char *table, long port)
{
    char line[512];
    unsigned local, state;
    bool found = false;
    FILE *file = fopen(table, "re");
    if (!file)
        return errno != ENOENT; /* there is no tcp6 where there is no IPv6 */
    while (!found && fgets(line, sizeof line, file))
        found = sscanf(line, " %*d: %*[^:]:%x %*[^:]:%*x %x", &local, &state) == 2 && local == port &&
                (OPEN >> state & 1);
    fclose(file);
    return found;
}

/* Takes a signal that is to wait. A second one changes nothing: Swarm asks again where it lost track. */
static bool hold(struct drain *drain, int sig)
{
    if (!drain->most || !stops(sig))
        return false;
    if (!drain->held) {
        drain->held = sig;
        drain->until = now() + drain->most;
        drain->next = now() + SETTLE;
    }
    return true;
}

static bool is_over(struct drain *drain)
{
    long long time = now();
    if (time >= drain->until)
        return true;
    if (time < drain->next)
        return false;
    drain->next = time + EVERY;
    return !has_open("/proc/net/tcp", drain->port) && !has_open("/proc/net/tcp6", drain->port);
}

/* The app gets a process group, and the terminal if there is one, as a shell would give them to it. */
static pid_t start(char **command, const sigset_t *mask)
{
    pid_t child = fork();
    if (child)
        return child;
    setpgid(0, 0);
    tcsetpgrp(STDIN_FILENO, getpgrp());
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(command[0], command);
    int status = errno == ENOENT ? 127 : 126;
    fprintf(stderr, "horcrux-init: cannot run %s: %s\n", command[0], strerror(errno));
    _exit(status);
}

static void pass_on(pid_t child, int sig)
{
    if (kill(child, sig))
        fprintf(stderr, "horcrux-init: cannot pass signal %d on: %s\n", sig, strerror(errno));
}

/* Buries all who have died; the exit status of the app if it was among them, else -1. */
static int bury(pid_t child)
{
    int status, result = -1;
    pid_t dead;
    while ((dead = waitpid(-1, &status, WNOHANG)) > 0)
        if (dead == child)
            result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return result;
}

static int watch(pid_t child, const sigset_t *signals)
{
    const struct timespec tick = {.tv_nsec = EVERY * 1000000L};
    struct drain drain = drain_of_environment();
    int status;
    for (;;) {
        int sig = sigtimedwait(signals, NULL, drain.held ? &tick : NULL);
        if (sig == SIGCHLD && (status = bury(child)) >= 0)
            return status;
        if (sig > 0 && sig != SIGCHLD && !hold(&drain, sig))
            pass_on(child, sig);
        if (drain.held && is_over(&drain)) {
            pass_on(child, drain.held);
            drain = (struct drain){0};
        }
    }
}

int main(int count, char **words)
{
    /* What means a mistake in this program itself is not to be waited for. */
    const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t signals, before;
    if (count == 2 && !strcmp(words[1], "--version")) {
        puts("horcrux-init 1 - git.1"); /* the form that dockerd expects */
        return 0;
    }
    if (count < 3 || strcmp(words[1], "--")) {
        fputs("usage: horcrux-init -- COMMAND [ARGUMENT...]\n", stderr);
        return 2;
    }
    sigfillset(&signals);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&signals, own[i]);
    signal(SIGCHLD, SIG_DFL); /* ignored, the kernel would bury the app, and its status with it */
    sigprocmask(SIG_SETMASK, &signals, &before);
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* for where it is not the process 1 */
    pid_t child = start(words + 2, &before);
    if (child < 0) {
        perror("horcrux-init: cannot start a process");
        return 1;
    }
    return watch(child, &signals);
}
