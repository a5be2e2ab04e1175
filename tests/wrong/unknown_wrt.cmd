gradcli eval "x*alpha" x=1 alpha=2 --wrt alhpa
