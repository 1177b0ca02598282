// SPDX-License-Identifier: GPL-2.0-only
/*
 * sealrun: run a dynamic program with its code, read-only data and RELRO sealed. The
 * manual is sealrun.8. This only sets the environment: an audit module of the dynamic
 * linker does the work.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LIBDIR
#define LIBDIR	"/usr/lib/sealrun"
#endif
#define MODULE	"sealrun-audit.so"

/* The same as for timeout(1) and other programs that run a command. */
#define EXIT_FAILED	125
#define EXIT_NOEXEC	126
#define EXIT_NOENT	127

static void usage(FILE *to)
{
	fputs("Usage: sealrun [OPTION]... PROGRAM [ARGUMENT]...\n"
	      "Run a dynamic program with its code, read-only data and RELRO sealed.\n"
	      "  -b, --bind-now  resolve all symbols at the start, so that .got.plt is sealed too\n"
	      "  -m, --no-map    do not seal where the objects are that stay loaded\n"
	      "  -s, --seals map+prot+discard   these seals only\n"
	      "  -o, --only PATTERN             objects whose name fits, * stands for anything\n"
	      "  -x, --except PATTERN           but not these; the program's own name is empty\n"
	      "  -l, --list      say what is sealed\n"
	      "  -v, --verbose   say what is not, and why\n"
	      "  -h, --help      this text\n"
	      "Exit status: that of PROGRAM; 125, 126 or 127 if it could not be run.\n", to);
}

/* Beside this program, or where it was installed. */
static const char *find_module(void)
{
	static char path[PATH_MAX + sizeof(MODULE)];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);

	if (len > 0) {
		path[len] = '\0';
		memcpy(strrchr(path, '/') + 1, MODULE, sizeof(MODULE));
		if (!access(path, R_OK))
			return path;
	}
	if (!access(LIBDIR "/" MODULE, R_OK))
		return LIBDIR "/" MODULE;
	return NULL;
}

/* Those that are there stay, and come first. */
static void append(const char *name, const char *value, char separator)
{
	const char *old = getenv(name);
	char *text = NULL;

	if (!old || !*old) {
		setenv(name, value, 1);
		return;
	}
	if (asprintf(&text, "%s%c%s", old, separator, value) < 0) {
		fputs("sealrun: out of memory\n", stderr);
		exit(EXIT_FAILED);
	}
	setenv(name, text, 1);
	free(text);
}

/* A word of SEALRUN=; a comma ends it. */
static void set_value(const char *name, const char *value)
{
	char text[300];

	if (strchr(value, ',') || strlen(value) > 255) {
		fprintf(stderr, "sealrun: %s%s: no comma, and at most 255 characters\n",
			name, value);
		exit(EXIT_FAILED);
	}
	snprintf(text, sizeof(text), "%s%s", name, value);
	append("SEALRUN", text, ',');
}

static void check_seals(const char *seals)
{
	static const char *const known[] = { "map", "prot", "discard" };
	const char *at = seals;

	while (*at) {
		size_t len = strcspn(at, "+"), i;

		for (i = 0; i < 3; i++) {
			if (len == strlen(known[i]) && !strncmp(at, known[i], len))
				break;
		}
		if (i == 3) {
			fprintf(stderr, "sealrun: --seals %s: of map, prot and discard, ", seals);
			fputs("with + between\n", stderr);
			exit(EXIT_FAILED);
		}
		at += len + (at[len] == '+');
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "bind-now", no_argument, NULL, 'b' },
		{ "no-map", no_argument, NULL, 'm' },
		{ "seals", required_argument, NULL, 's' },
		{ "only", required_argument, NULL, 'o' },
		{ "except", required_argument, NULL, 'x' },
		{ "list", no_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *module;
	int option;

	while ((option = getopt_long(argc, argv, "+bms:o:x:lvh", options, NULL)) != -1) {
		switch (option) {
		case 'b':
			setenv("LD_BIND_NOW", "1", 1);
			break;
		case 'm':
			append("SEALRUN", "no-map", ',');
			break;
		case 's':
			check_seals(optarg);
			set_value("seals=", optarg);
			break;
		case 'o':
			set_value("only=", optarg);
			break;
		case 'x':
			set_value("except=", optarg);
			break;
		case 'l':
			append("SEALRUN", "list", ',');
			break;
		case 'v':
			append("SEALRUN", "verbose", ',');
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_FAILED;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return EXIT_FAILED;
	}

	module = find_module();
	if (!module) {
		fputs("sealrun: " MODULE " is neither beside it nor in " LIBDIR "\n", stderr);
		return EXIT_FAILED;
	}
	append("LD_AUDIT", module, ':');
	execvp(argv[optind], argv + optind);
	fprintf(stderr, "sealrun: cannot run %s: %s\n", argv[optind], strerror(errno));
	return errno == ENOENT ? EXIT_NOENT : EXIT_NOEXEC;
}
