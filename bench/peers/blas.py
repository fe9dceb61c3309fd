# What the numeric libraries of this process multiply with: an OpenBLAS picks its kernels by the processor it finds, and an old one
# may not know a new processor (then it is several times as slow; OPENBLAS_CORETYPE names the kernels to take).
import ctypes
import os
import re


def suffix():
    """' with OpenBLAS 0.3.31 for SkylakeX', or '' where no OpenBLAS is loaded."""
    with open("/proc/self/maps") as maps:
        paths = sorted({line.split()[-1] for line in maps if "openblas" in line.lower() and ".so" in line})
    for path in paths:
        library = ctypes.CDLL(path)
        for before, after in (("", ""), ("", "64_"), ("scipy_", ""), ("scipy_", "64_")):
            try:
                config = getattr(library, f"{before}openblas_get_config{after}")
                core = getattr(library, f"{before}openblas_get_corename{after}")
            except AttributeError:
                continue
            config.restype = core.restype = ctypes.c_char_p
            version = re.search(r"OpenBLAS (\d+\.\d+\.\d+)", config().decode())
            asked = " (as OPENBLAS_CORETYPE asks)" if os.environ.get("OPENBLAS_CORETYPE") else ""
            return f" with OpenBLAS {version.group(1) if version else '?'} for {core().decode()}{asked}"
    return ""
