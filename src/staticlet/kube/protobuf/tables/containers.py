"""Containers: what they run, with what settings, how they are probed and confined."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "Container": (
        "1 name! 2 image 3 command 4 args 5 workingDir 6 ports 7 env 8 resources 9 volumeMounts "
        "10 livenessProbe 11 readinessProbe 12 lifecycle 13 terminationMessagePath "
        "14 imagePullPolicy 15 securityContext 16 stdin 17 stdinOnce 18 tty 19 envFrom "
        "20 terminationMessagePolicy 21 volumeDevices 22 startupProbe 23 resizePolicy "
        "24 restartPolicy! 25 restartPolicyRules"
    ),
    "EphemeralContainer": "1 +Container 2 targetContainerName",
    "EnvVar": "1 name! 2 value 3 valueFrom",
    "EnvVarSource": "1 fieldRef 2 resourceFieldRef 3 configMapKeyRef 4 secretKeyRef 5 fileKeyRef",
    "ConfigMapKeySelector": "1 +LocalObjectReference 2 key! 3 optional!",
    "ObjectFieldSelector": "1 apiVersion 2 fieldPath!",
    "FileKeySelector": "1 volumeName! 2 path! 3 key! 4 optional!",
    "ResourceFieldSelector": "1 containerName 2 resource! 3 divisor",
    "SecretKeySelector": "1 +LocalObjectReference 2 key! 3 optional!",
    "EnvFromSource": "1 prefix 2 configMapRef 3 secretRef",
    "ConfigMapEnvSource": "1 +LocalObjectReference 2 optional!",
    "SecretEnvSource": "1 +LocalObjectReference 2 optional!",
    "Lifecycle": "1 postStart 2 preStop 3 stopSignal!",
    "LifecycleHandler": "1 exec 2 httpGet 3 tcpSocket 4 sleep",
    "ExecAction": "1 command",
    "HTTPGetAction": "1 path 2 port! 3 host 4 scheme 5 httpHeaders 6 protocol!",
    "HTTPHeader": "1 name! 2 value!",
    "SleepAction": "1 seconds!",
    "TCPSocketAction": "1 port! 2 host",
    "Probe": (
        "1 +ProbeHandler 2 initialDelaySeconds 3 timeoutSeconds 4 periodSeconds "
        "5 successThreshold 6 failureThreshold 7 terminationGracePeriodSeconds!"
    ),
    "ProbeHandler": "1 exec 2 httpGet 3 tcpSocket 4 grpc",
    "GRPCAction": "1 port! 2 service! 3 mode!",
    "ContainerPort": "1 name 2 hostPort 3 containerPort! 4 protocol 5 hostIP",
    "ContainerResizePolicy": "1 resourceName! 2 restartPolicy!",
    "ResourceRequirements": "1 limits 2 requests 3 claims",
    "ResourceClaim": "1 name! 2 request",
    "ContainerRestartRule": "1 action 2 exitCodes",
    "ContainerRestartRuleOnExitCodes": "1 operator 2 values",
    "SecurityContext": (
        "1 capabilities 2 privileged! 3 seLinuxOptions 4 runAsUser! 5 runAsNonRoot! "
        "6 readOnlyRootFilesystem! 7 allowPrivilegeEscalation! 8 runAsGroup! 9 procMount! "
        "10 windowsOptions 11 seccompProfile 12 appArmorProfile"
    ),
    "AppArmorProfile": "1 type! 2 localhostProfile!",
    "Capabilities": "1 add 2 drop",
    "SELinuxOptions": "1 user 2 role 3 type 4 level",
    "SeccompProfile": "1 type! 2 localhostProfile!",
    "WindowsSecurityContextOptions": (
        "1 gmsaCredentialSpecName! 2 gmsaCredentialSpec! 3 runAsUserName! 4 hostProcess!"
    ),
    "VolumeDevice": "1 name! 2 devicePath!",
    "VolumeMount": (
        "1 name! 2 readOnly 3 mountPath! 4 subPath 5 mountPropagation! 6 subPathExpr "
        "7 recursiveReadOnly! 8 bindMountOptions"
    ),
}
