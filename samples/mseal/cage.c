// SPDX-License-Identifier: GPL-2.0-only
/*
 * A cage: all pointers of a sandbox point into one region, so nothing else may ever be
 * mapped there. What it permits changes from page to page.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "seal.h"

int main(void)
{
	const size_t page = sysconf(_SC_PAGESIZE), size = 1024 * page;
	char *cage;

	cage = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (cage == MAP_FAILED)
		return 1;

	/* Without flags its protection would be fixed as well: do not seal. */
	if (!seal_say("the cage", seal(cage, size, MSEAL_MAP, 0)))
		return seal_surprises;

	seal_report("give access to a page",
		    mprotect(cage + page, page, PROT_READ | PROT_WRITE), 0);
	cage[page] = 1;
	seal_report("empty it again", madvise(cage + page, page, MADV_DONTNEED), 0);
	seal_report("take the access away", mprotect(cage + page, page, PROT_NONE), 0);
	seal_report("unmap a page of it", munmap(cage + page, page), 1);
	seal_report("map something else there",
		    mmap(cage + page, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) == MAP_FAILED, 1);
	return seal_surprises;
}
