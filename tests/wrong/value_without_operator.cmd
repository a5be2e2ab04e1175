gradcli eval "x*y" x=1 y=2pi
