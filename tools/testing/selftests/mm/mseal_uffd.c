// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd for the tests of mseal(2). A call returns 0 or an error number.
 */
#include "mseal_uffd.h"

/*
 * Open a userfaultfd. Returns it, or minus an error number: ENOSYS if the kernel
 * has no userfaultfd, EOPNOTSUPP if that lacks a feature.
 */
int uffd_open(int flags, uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd, err = 0;

	/* UFFDIO_API works once, so ask another one for its features. */
	fd = syscall(__NR_userfaultfd, O_CLOEXEC | flags);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, UFFDIO_API, &api))
		err = errno;
	close(fd);
	if (err)
		return -err;
	if (features & ~api.features)
		return -EOPNOTSUPP;

	/* poll() works only on one that does not block. */
	fd = syscall(__NR_userfaultfd, O_CLOEXEC | O_NONBLOCK | flags);
	if (fd < 0)
		return -errno;
	api = (struct uffdio_api){ .api = UFFD_API, .features = features };
	if (!ioctl(fd, UFFDIO_API, &api))
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int uffd_register_mode(int uffd, const void *at, size_t len, uint64_t mode)
{
	struct uffdio_register reg = {
		.range = { (unsigned long)at, len },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &reg) ? errno : 0;
}

int uffd_copy(int uffd, const void *to, const void *from, size_t len)
{
	struct uffdio_copy copy = {
		.dst = (unsigned long)to,
		.src = (unsigned long)from,
		.len = len,
	};

	return ioctl(uffd, UFFDIO_COPY, &copy) ? errno : 0;
}

int uffd_zeropage(int uffd, const void *at, size_t len)
{
	struct uffdio_zeropage zero = { .range = { (unsigned long)at, len } };

	return ioctl(uffd, UFFDIO_ZEROPAGE, &zero) ? errno : 0;
}

int uffd_continue(int uffd, const void *at, size_t len)
{
	struct uffdio_continue cont = { .range = { (unsigned long)at, len } };

	return ioctl(uffd, UFFDIO_CONTINUE, &cont) ? errno : 0;
}

int uffd_poison(int uffd, const void *at, size_t len)
{
	struct uffdio_poison poison = { .range = { (unsigned long)at, len } };

	return ioctl(uffd, UFFDIO_POISON, &poison) ? errno : 0;
}

int uffd_move(int uffd, const void *to, const void *from, size_t len)
{
	struct uffdio_move move = {
		.dst = (unsigned long)to,
		.src = (unsigned long)from,
		.len = len,
	};

	return ioctl(uffd, UFFDIO_MOVE, &move) ? errno : 0;
}

/* Write-protect pages, or resolve that. */
int uffd_writeprotect(int uffd, const void *at, size_t len, bool protect)
{
	struct uffdio_writeprotect wp = {
		.range = { (unsigned long)at, len },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp) ? errno : 0;
}

/* Make pages inaccessible, or resolve that. */
int uffd_rwprotect(int uffd, const void *at, size_t len, bool protect)
{
	struct uffdio_rwprotect rwp = {
		.range = { (unsigned long)at, len },
		.mode = protect ? UFFDIO_RWPROTECT_MODE_RWP : 0,
	};

	return ioctl(uffd, UFFDIO_RWPROTECT, &rwp) ? errno : 0;
}
