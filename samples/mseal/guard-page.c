// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guard page that goes with its stack: its protection is fixed, but the stack can be
 * unmapped when its thread has ended.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "seal.h"

int main(void)
{
	const size_t guard = sysconf(_SC_PAGESIZE), size = 16 * guard;
	char *stack;

	stack = mmap(NULL, guard + size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED || mprotect(stack, guard, PROT_NONE))
		return 1;

	/* Without flags the guard could never be unmapped: each thread would leave one. */
	if (!seal_say("the guard page", seal(stack, guard, MSEAL_PROT, 0)))
		return seal_surprises;

	seal_report("make the guard page writable",
		    mprotect(stack, guard, PROT_READ | PROT_WRITE), 1);
	seal_report("protect the stack itself", mprotect(stack + guard, size, PROT_READ), 0);
	seal_report("unmap the stack with its guard page", munmap(stack, guard + size), 0);
	return seal_surprises;
}
