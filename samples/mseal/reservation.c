// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reservation that may give memory back: it cannot be unmapped, moved or reprotected,
 * but parts of it are emptied all the time.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "seal.h"

int main(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), size = 64 * page;
	char *base, *elsewhere;

	base = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	elsewhere = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED || elsewhere == MAP_FAILED)
		return 1;

	/* Without flags, a heap in it could not be emptied by every thread: do not seal. */
	if (!seal_say("the reservation", seal(base, size, MSEAL_MAP | MSEAL_PROT, 0)))
		return seal_surprises;

	base[0] = 1;
	seal_report("give the first pages back", madvise(base, 4 * page, MADV_DONTNEED), 0);
	seal_report("map something over a part of it",
		    mmap(base + page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) == MAP_FAILED, 1);
	seal_report("move it away", mremap(base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
					   elsewhere) == MAP_FAILED, 1);
	seal_report("make it executable",
		    mprotect(base, page, PROT_READ | PROT_WRITE | PROT_EXEC), 1);
	return seal_surprises;
}
