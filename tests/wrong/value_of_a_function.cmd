gradcli eval "sin(x)" x=1 sin=2
