gradcli eval "alpha*x" x=1 alhpa=2
