"""Volumes and where each kind of them comes from."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "Volume": "1 name! 2 +VolumeSource",
    "VolumeSource": (
        "1 hostPath 2 emptyDir 3 gcePersistentDisk 4 awsElasticBlockStore 5 gitRepo 6 secret "
        "7 nfs 8 iscsi 9 glusterfs 10 persistentVolumeClaim 11 rbd 12 flexVolume 13 cinder "
        "14 cephfs 15 flocker 16 downwardAPI 17 fc 18 azureFile 19 configMap 20 vsphereVolume "
        "21 quobyte 22 azureDisk 23 photonPersistentDisk 24 portworxVolume 25 scaleIO "
        "26 projected 27 storageos 28 csi 29 ephemeral 30 image"
    ),
    "AWSElasticBlockStoreVolumeSource": "1 volumeID! 2 fsType 3 partition 4 readOnly",
    "AzureDiskVolumeSource": "1 diskName! 2 diskURI! 3 cachingMode! 4 fsType! 5 readOnly! 6 kind!",
    "AzureFileVolumeSource": "1 secretName! 2 shareName! 3 readOnly",
    "CephFSVolumeSource": "1 monitors 2 path 3 user 4 secretFile 5 secretRef 6 readOnly",
    "CinderVolumeSource": "1 volumeID! 2 fsType 3 readOnly 4 secretRef",
    "ConfigMapVolumeSource": (
        "1 +LocalObjectReference 2 items 3 defaultMode! 4 optional! 5 defaultUser!"
    ),
    "KeyToPath": "1 key! 2 path! 3 mode! 4 user!",
    "CSIVolumeSource": "1 driver! 2 readOnly! 3 fsType! 4 volumeAttributes 5 nodePublishSecretRef",
    "DownwardAPIVolumeSource": "1 items 2 defaultMode! 3 defaultUser!",
    "DownwardAPIVolumeFile": "1 path! 2 fieldRef 3 resourceFieldRef 4 mode! 5 user!",
    "EmptyDirVolumeSource": "1 medium 2 sizeLimit 3 mode!",
    "EphemeralVolumeSource": "1 volumeClaimTemplate",
    "PersistentVolumeClaimTemplate": "1 metadata 2 spec",
    "PersistentVolumeClaimSpec": (
        "1 accessModes 2 resources 3 volumeName 4 selector 5 storageClassName! 6 volumeMode! "
        "7 dataSource 8 dataSourceRef 9 volumeAttributesClassName!"
    ),
    "VolumeResourceRequirements": "1 limits 2 requests",
    "FCVolumeSource": "1 targetWWNs 2 lun! 3 fsType 4 readOnly 5 wwids",
    "FlexVolumeSource": "1 driver! 2 fsType 3 secretRef 4 readOnly 5 options",
    "FlockerVolumeSource": "1 datasetName 2 datasetUUID",
    "GCEPersistentDiskVolumeSource": "1 pdName! 2 fsType 3 partition 4 readOnly",
    "GitRepoVolumeSource": "1 repository! 2 revision 3 directory",
    "GlusterfsVolumeSource": "1 endpoints! 2 path! 3 readOnly",
    "HostPathVolumeSource": "1 path! 2 type!",
    "ImageVolumeSource": "1 reference 2 pullPolicy",
    "ISCSIVolumeSource": (
        "1 targetPortal! 2 iqn! 3 lun! 4 iscsiInterface 5 fsType 6 readOnly 7 portals "
        "8 chapAuthDiscovery 10 secretRef 11 chapAuthSession 12 initiatorName!"
    ),
    "NFSVolumeSource": "1 server! 2 path! 3 readOnly",
    "PersistentVolumeClaimVolumeSource": "1 claimName! 2 readOnly",
    "PhotonPersistentDiskVolumeSource": "1 pdID! 2 fsType",
    "PortworxVolumeSource": "1 volumeID! 2 fsType 3 readOnly",
    "ProjectedVolumeSource": "1 sources 2 defaultMode! 3 defaultUser!",
    "VolumeProjection": (
        "1 secret 2 downwardAPI 3 configMap 4 serviceAccountToken 5 clusterTrustBundle "
        "6 podCertificate"
    ),
    "ClusterTrustBundleProjection": (
        "1 name! 2 signerName! 3 labelSelector 4 path! 5 optional! 6 user!"
    ),
    "ConfigMapProjection": "1 +LocalObjectReference 2 items 4 optional!",
    "DownwardAPIProjection": "1 items",
    "PodCertificateProjection": (
        "1 signerName 2 keyType 3 maxExpirationSeconds! 4 credentialBundlePath 5 keyPath "
        "6 certificateChainPath 7 userAnnotations 8 user!"
    ),
    "SecretProjection": "1 +LocalObjectReference 2 items 4 optional!",
    "ServiceAccountTokenProjection": "1 audience 2 expirationSeconds! 3 path! 4 user!",
    "QuobyteVolumeSource": "1 registry! 2 volume! 3 readOnly 4 user 5 group 6 tenant",
    "RBDVolumeSource": (
        "1 monitors 2 image! 3 fsType 4 pool 5 user 6 keyring 7 secretRef 8 readOnly"
    ),
    "ScaleIOVolumeSource": (
        "1 gateway! 2 system! 3 secretRef 4 sslEnabled 5 protectionDomain 6 storagePool "
        "7 storageMode 8 volumeName 9 fsType 10 readOnly"
    ),
    "SecretVolumeSource": "1 secretName 2 items 3 defaultMode! 4 optional! 5 defaultUser!",
    "StorageOSVolumeSource": "1 volumeName 2 volumeNamespace 3 fsType 4 readOnly 5 secretRef",
    "VsphereVirtualDiskVolumeSource": (
        "1 volumePath! 2 fsType 3 storagePolicyName 4 storagePolicyID"
    ),
}
