// SPDX-License-Identifier: GPL-2.0
/*
 * What does it cost to start a program with sealrun? Under -icount one tick of the TSC is
 * one instruction, of the program and of the kernel. Prints for each environment the median
 * of some runs.
 *
 *	startup ROUNDS NAME=VALUE... -- PROGRAM [ARGUMENT...]
 */
#define _GNU_SOURCE
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <x86intrin.h>

#define MAX_ROUNDS	99

static int compare(const void *a, const void *b)
{
	const unsigned long long x = *(unsigned long long *)a, y = *(unsigned long long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	unsigned long long ticks[MAX_ROUNDS];
	int rounds, first = 2, status;
	pid_t pid;

	rounds = argc > 3 ? atoi(argv[1]) : 0;
	while (first < argc && strcmp(argv[first], "--"))
		first++;
	if (rounds < 1 || rounds > MAX_ROUNDS || first + 1 >= argc)
		return 2;
	for (int i = 2; i < first; i++) {
		char *environment[] = { argv[i], NULL };

		/* The first run is to fill the page cache. */
		for (int round = -1; round < rounds; round++) {
			unsigned long long begin = __rdtsc();

			if (posix_spawn(&pid, argv[first + 1], NULL, NULL, argv + first + 1,
					environment) ||
			    waitpid(pid, &status, 0) != pid || status) {
				printf("%s: it failed\n", argv[i]);
				return 1;
			}
			if (round >= 0)
				ticks[round] = __rdtsc() - begin;
		}
		qsort(ticks, rounds, sizeof(*ticks), compare);
		printf("%s|%s|%llu\n", argv[first + 1], argv[i], ticks[rounds / 2]);
	}
	return 0;
}
