// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the README shows under "EPERM? Look": runs the example and sealmap as a shell
 * would, and prints each command before its output. readme-look compares it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* The standard output of a program, or NULL to leave it alone. */
static char *run(char *const argv[], int want)
{
	static char text[1 << 16];
	size_t len = 0;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(fds))
		fail("pipe");
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execv(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	while (len < sizeof(text) - 1 && (n = read(fds[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	text[len] = '\0';
	close(fds[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != want) {
		fprintf(stderr, "%s %s: unexpected status 0x%x\n%s", argv[0], argv[1], status, text);
		exit(1);
	}
	return text;
}

/* Lines of the text that have a word in them. */
static void print_with(char *text, const char *word)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (strstr(line, word))
			puts(line);
	}
}

int main(void)
{
	char pid[16], addr[32], *text;
	unsigned long start;
	int fds[2];
	pid_t child;
	char c;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (mount("nodev", "/sys/kernel/tracing", "tracefs", 0, NULL) && errno != EBUSY)
		fail("tracefs");

	puts("# sealmap --watch -- ./example");
	/* The example's own lines are not shown. */
	text = run((char *[]){ "/bin/sealmap", "--watch", "--", "/bin/example", NULL }, 0);
	print_with(text, "refused");

	puts("# ./example wait &");
	if (pipe(fds))
		fail("pipe");
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		execl("/bin/example", "example", "wait", NULL);
		_exit(127);
	}
	/* Its output is buffered, so it tells nothing: wait until it sleeps in pause(). */
	for (c = 0; c != 'S';) {
		char stat[64];
		FILE *file;

		snprintf(stat, sizeof(stat), "/proc/%d/stat", child);
		file = fopen(stat, "r");
		if (!file || fscanf(file, "%*d (example) %c", &c) < 0)
			fail(stat);
		fclose(file);
		sched_yield();
	}

	snprintf(pid, sizeof(pid), "%d", child);
	printf("# sealmap %s | grep PROT\n", pid);
	text = run((char *[]){ "/bin/sealmap", pid, NULL }, 0);
	start = 0;
	for (char *line = text; line && !start; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strstr(line, " PROT|DISCARD") && strstr(line, " PROT|DISCARD") < strchrnul(line, '\n'))
			start = strtoul(line, NULL, 16);
	}
	print_with(text, "PROT");

	snprintf(addr, sizeof(addr), "0x%lx", start);
	printf("# sealmap --explain %s %s 4096 mprotect\n", pid, addr);
	text = run((char *[]){ "/bin/sealmap", "--explain", pid, addr, "4096", "mprotect", NULL }, 1);
	fputs(text, stdout);
	kill(child, SIGKILL);
	return 0;
}
