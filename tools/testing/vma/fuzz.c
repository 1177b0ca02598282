// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests of tests/attr_model.c as a libFuzzer target. It is built by clang with
 * -fsanitize=fuzzer,address,undefined, and replaces main.c.
 */

/* libFuzzer has its own main(). */
#define main unused_main
#include "main.c"
#undef main

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	maple_tree_init();
	vma_state_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	if (!check_sequence(data, size))
		abort();
	return 0;
}
