#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1

if [ $# -ne 1 ] ; then
	linux_header_dir=tools/include/uapi/linux
else
	linux_header_dir=$1
fi

linux_mman=${linux_header_dir}/mman.h

# As the mremap flags: the array is indexed by the number of the bit, from 1 on.
printf "static const char *mseal_flags[] = {\n"
regex='^[[:space:]]*#[[:space:]]*define[[:space:]]+MSEAL_([[:alnum:]_]+)[[:space:]]+(0x[[:xdigit:]]+)[[:space:]]*.*'
grep -E $regex ${linux_mman} | \
	sed -r "s/$regex/\2 \1/g"	| \
	xargs printf "\t[ilog2(%s) + 1] = \"%s\",\n"
printf "};\n"
