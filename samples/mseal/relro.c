// SPDX-License-Identifier: GPL-2.0-only
/*
 * Data that was written once, as RELRO by the loader: from then on it neither changes nor
 * reverts to what the file holds.
 */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "seal.h"

int main(void)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *data;
	int fd;

	/* A file, of which this process has a private copy. */
	fd = memfd_create("relro", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, page) || pwrite(fd, "of the file", 11, 0) != 11)
		return 1;
	data = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return 1;
	memcpy(data, "relocated", sizeof("relocated"));
	if (mprotect(data, page, PROT_READ))
		return 1;

	/* It stays as long as the process, so without flags everything may be sealed. */
	if (!seal_say("the data", seal(data, page, MSEAL_PROT | MSEAL_DISCARD, 1))) {
		/* Such a kernel does not refuse this. */
		madvise(data, page, MADV_DONTNEED);
		printf("after MADV_DONTNEED it is %s\n", data);
		return seal_surprises;
	}

	seal_report("make it writable", mprotect(data, page, PROT_READ | PROT_WRITE), 1);
	seal_report("go back to the file's bytes", madvise(data, page, MADV_DONTNEED), 1);
	printf("it is still %s\n", data);

	/* As dlclose() would. For a library that is never unloaded, add MSEAL_MAP. */
	seal_report("unmap it", munmap(data, page), 0);
	return seal_surprises;
}
