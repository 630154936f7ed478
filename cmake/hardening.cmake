# SPDX-License-Identifier: Apache-2.0
# What compiler and linker add against mistakes with memory: checked calls of the C library, canaries and probed pages
# of the stack, checked jumps, tables that become read-only, programs at random addresses. The sanitizers see more and
# do not mix with it; without optimization the C library has no checked calls. cli.hardened looks for it in the program.
include(CheckCCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

if(C2S_HARDEN AND NOT C2S_SANITIZE AND NOT C2S_COVERAGE)
    foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
        string(MAKE_C_IDENTIFIER "C2S_HAS${flag}" known)
        check_c_compiler_flag(${flag} ${known})
        if(${known})
            add_compile_options(${flag})
        endif()
    endforeach()
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    add_link_options(LINKER:-z,relro,-z,now,-z,noexecstack)
endif()
