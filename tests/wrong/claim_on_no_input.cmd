gradcli check "alpha*x" x=1 alpha=2 --claim aplha=1 --isolated
