gradcli check --isolated
